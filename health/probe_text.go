package health

import (
	"errors"
	"io"
	"syscall"
)

// describe says why a check failed, in as few words as say it.
func describe(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return number.Error() // without the addresses: the probe address tells nobody anything
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed before the end of the answer"
	}
	return printable(err.Error())
}
