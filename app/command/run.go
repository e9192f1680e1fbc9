package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Run is what Agora remembers of one comment with commands: what ran, and its own
// answer, so that an edit runs only what is new or failed before, and a delivery
// that comes twice runs nothing twice.
type Run struct {
	Repository int64 `json:"-"`
	CommentID  int64 `json:"-"`

	Ref    app.IssueRef `json:"ref"`
	Author int64        `json:"author"`
	Lines  []Line       `json:"lines"`
	// Note is what the reply says besides the lines' own words.
	Note string `json:"note,omitempty"`
	// Foreign is set once somebody else edited the comment: what a reading finds there
	// may not be its author's words.
	Foreign bool `json:"foreign,omitempty"`
	// Reactions are the ids of what stands on the comment, by content; 0 of what may.
	Reactions map[string]int64 `json:"reactions,omitempty"`
}

// Line is one command line of a comment and what became of it.
type Line struct {
	Text string `json:"text"` // its fingerprint
	// Act is the fingerprint of what it does: of all of it but its free text.
	Act  string    `json:"act,omitempty"`
	Done bool      `json:"done"`
	Vote bool      `json:"vote,omitempty"`
	At   time.Time `json:"at"`
	Say  string    `json:"say,omitempty"` // what the reply says of it, Markdown
	// Untimely tells that it was refused for the hour alone; see Refusal.
	Untimely bool `json:"untimely,omitempty"`
}

// Wanted is which reactions the comment should wear: a rocket when something was
// done, a confused face when something was refused.
func (r Run) Wanted() []string {
	done, refused := false, false
	for _, l := range r.Lines {
		done, refused = done || l.Done, refused || !l.Done
	}
	var wanted []string
	if done {
		wanted = append(wanted, "rocket")
	}
	if refused {
		wanted = append(wanted, "confused")
	}
	return wanted
}

// Reply is the one reply's text, "" when nothing needs saying.
func (r Run) Reply() string {
	text := ""
	for _, l := range r.Lines {
		if l.Say != "" {
			text += l.Say + "\n\n"
		}
	}
	return text + r.Note
}

// Tx is what running commands needs of a transaction. A missing run is answered
// with app.CodeNotFound.
type Tx interface {
	CommandRun(ctx context.Context, repository, comment int64) (Run, error)
	SaveCommandRun(ctx context.Context, run Run) error
	// CommandsGiven is how many commands a person gave in a community in the minute
	// of an instant; CountCommand adds one and returns how many these are.
	CommandsGiven(ctx context.Context, community, member int64, at time.Time) (int, error)
	CountCommand(ctx context.Context, community, member int64, at time.Time) (given int, err error)
	// Enqueue puts work of our own into a lane. With a coalesce key no second entry
	// is queued while one with the same lane, kind and key still waits to start.
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
}

// Store runs transactions; InTx is joined by the transactions that commands begin
// inside it, so that what a command does and the memory of it are one.
type Store interface {
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}

// Call is one command on its way to the one who carries it out.
type Call struct {
	Repo    app.Repository
	Ref     app.IssueRef
	Comment app.Comment
	// At is when the command was given, by GitHub's clock: the comment's creation,
	// or the edit that brought it.
	At      time.Time
	Command Command
}

// Actor is who gave the command: the comment's author, nobody else.
func (c Call) Actor() app.User { return c.Comment.Author }

// Apply carries a command out in the transaction of ctx and returns the Markdown
// to reply with, "" for none. It may run again when the transaction is retried.
type Apply func(ctx context.Context) (reply string, err error)

// Handler prepares a command: it reads what it must from GitHub and returns what
// is to be done in one transaction. A *Refusal is an answer; any other error means
// that nothing is known yet, and the whole comment is tried again.
type Handler func(ctx context.Context, call Call) (Apply, error)

// Refusal is a command refused, with the reason for the one who gave it. Reason
// may be Markdown of ours; people's words in it are escaped already.
type Refusal struct {
	Code   string
	Reason string
	// Untimely tells that the command came too early or too late for what is known now.
	// Events come out of order, so a reading of the issue looks at it again: it may turn
	// out to have been in time.
	Untimely bool
}

// Error gives the reason.
func (r *Refusal) Error() string { return r.Reason }

// Refuse makes a Refusal.
func Refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// RefuseForNow makes a Refusal of a command that is untimely.
func RefuseForNow(code, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...), Untimely: true}
}

func asRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}
