package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"gorun/supervisor/control/client"
)

// statusError is an error with the status that fits it.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func statusErrorf(status int, format string, args ...any) error {
	return &statusError{status, fmt.Errorf(format, args...)}
}

// errEnding is the answer to an order that comes when gorun ends, or is cut short by
// that.
var errEnding error = &statusError{http.StatusServiceUnavailable, errors.New("gorun is ending")}

// statusOf finds the status that fits an error.
func statusOf(err error) int {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	switch {
	case is[badInputError](err), is[*client.SelectorError](err):
		return http.StatusBadRequest
	case is[*client.UnknownTargetError](err):
		return http.StatusNotFound
	case is[*http.MaxBytesError](err):
		return http.StatusRequestEntityTooLarge
	case is[conflict](err):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

// is reports whether an error, or what it wraps, is of a type.
func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// conflict is an error about another order that is under way.
type conflict interface {
	error
	Conflict()
}

func fail(w http.ResponseWriter, err error) {
	write(w, statusOf(err), client.Failure{Error: err.Error()})
}

func answer(w http.ResponseWriter, body any) error {
	write(w, http.StatusOK, body)
	return nil
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := encode(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"encode the answer: a bug of gorun"}`+"\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // an error: the client has disconnected
}

// encode writes JSON that people can read: < stays <.
func encode(body any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("encode as JSON: %w", err)
	}
	return text.Bytes(), nil
}

// maxBody is far more than any request needs; a message may be large.
const maxBody = 1 << 20

// decode reads the one JSON value of a request. An unknown key is a mistake.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if is[*http.MaxBytesError](err) {
		return fmt.Errorf("read the request: it is larger than %d bytes: %w", maxBody, err)
	}
	if errors.Is(err, io.EOF) {
		return badInput("read the request: its body is empty")
	}
	if err != nil {
		return badInput("read the request: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badInput("read the request: something follows its JSON value")
	}
	return nil
}

// stream is an answer of one JSON value a line, each sent at once.
type stream struct {
	w      http.ResponseWriter
	opened bool
}

// open sends the headers, so that the client knows that the stream is open.
func (s *stream) open() error {
	if s.opened {
		return nil
	}
	s.opened = true
	s.w.Header().Set("Content-Type", "application/x-ndjson")
	s.w.WriteHeader(http.StatusOK)
	return s.flush()
}

// send sends a line at once.
func (s *stream) send(line any) error {
	if err := s.write(line); err != nil {
		return err
	}
	return s.flush()
}

// write leaves the line for the next flush.
func (s *stream) write(line any) error {
	text, err := encode(line)
	if err != nil {
		return err
	}
	if !s.opened {
		s.opened = true
		s.w.Header().Set("Content-Type", "application/x-ndjson")
	}
	if _, err := s.w.Write(text); err != nil {
		return fmt.Errorf("send a line: %w", err)
	}
	return nil
}

func (s *stream) flush() error {
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return fmt.Errorf("send a line: %w", err)
	}
	return nil
}
