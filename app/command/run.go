package command

import (
	"context"
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
	// UpdatedAt is GitHub's instant of the newest text that was run.
	UpdatedAt time.Time `json:"updated_at"`
	Lines     []Line    `json:"lines"`
	// Reply is what the one reply says now, "" for none; Reaction what stands on the comment.
	Reply    string `json:"reply,omitempty"`
	Reaction string `json:"reaction,omitempty"`
	// VoteFixed remembers that the author was told that editing changes no vote.
	VoteFixed bool `json:"vote_fixed,omitempty"`
	// What stands on GitHub, by id.
	ReactionID   int64  `json:"reaction_id,omitempty"`
	ReactionSent string `json:"reaction_sent,omitempty"`
}

// Line is one command line of a comment and what became of it.
type Line struct {
	Raw  string    `json:"raw"`
	Done bool      `json:"done"`
	At   time.Time `json:"at"`
	Vote bool      `json:"vote,omitempty"`
}

// Tx is what running commands needs of a transaction. A missing run is answered
// with app.CodeNotFound.
type Tx interface {
	CommandRun(ctx context.Context, repository, comment int64) (Run, error)
	SaveCommandRun(ctx context.Context, run Run) error
}
