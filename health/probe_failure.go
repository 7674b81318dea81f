package health

import (
	"errors"
	"io"
	"syscall"
)

// failureText is why a check failed, in few words.
func failureText(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return number.Error() // without the addresses: the probe address means nothing to operators
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed before the end of the response"
	}
	return printable(err.Error())
}
