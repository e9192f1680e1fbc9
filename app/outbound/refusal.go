package outbound

import (
	"errors"
	"fmt"
	"net/textproto"

	"github.com/wneessen/go-mail"
)

// refusedForGood tells whether a mail server will never take this mail. Its 4xx
// mean later (RFC 5321 §4.2.1). Of its 5xx only those that concern the recipient
// or the mail mean never; what concerns the connection, the sender or the
// password is for the operator to put right, and then the mail goes out.
func refusedForGood(err error) bool {
	var failure *mail.SendError
	if !errors.As(err, &failure) {
		return false // it did not come to the mail: dialling, TLS, AUTH
	}
	code := failure.ErrorCode()
	switch code {
	case 500, 502, 503, 504, // a command it does not know, or not now
		521,                // a host that takes no mail at all
		530, 534, 535, 538: // it wants a password, or another one
		return false
	}
	switch failure.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		return code >= 500 && code <= 599
	case mail.ErrSMTPMailFrom:
		return code == 552 // too big, by the size that is announced; else it is the sender it does not like
	}
	return false
}

// explained is the error without the server's own words: they may name the person, and they are a stranger's.
func explained(err error) error {
	var failure *mail.SendError
	if errors.As(err, &failure) {
		if code := failure.ErrorCode(); code != 0 {
			return fmt.Errorf("the mail server answered %d %s(%s)", code, blankAfter(failure.EnhancedStatusCode()), failure.Reason)
		}
		return fmt.Errorf("the mail server did not answer (%s)", failure.Reason)
	}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return fmt.Errorf("the mail server answered %d before it took a mail: see its address, user and password", reply.Code)
	}
	var garbled textproto.ProtocolError
	if errors.As(err, &garbled) {
		return errors.New("what answers there is no mail server")
	}
	return &shownError{text: line(err.Error(), maxError), cause: err}
}

func blankAfter(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

// maxError is how much of an error's text is shown, in characters.
const maxError = 300

// shownError is an error whose text was made fit to be logged and stored.
type shownError struct {
	text  string
	cause error
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.cause }
