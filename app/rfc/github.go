package rfc

import (
	"context"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Reader is what RFCs read of one repository on GitHub.
type Reader interface {
	Issue(ctx context.Context, number int) (app.Issue, error)
	// MovedTo tells in which repository an issue is now, by name alone, and under which
	// number; app.CodeNotFound or CodeGone when it is nowhere that the App may look.
	MovedTo(ctx context.Context, number int) (app.Repository, int, error)
	// CommentStands reports whether a comment is still there.
	CommentStands(ctx context.Context, comment int64) (bool, error)
	// Comments lists the comments of an issue written or edited since.
	Comments(ctx context.Context, number int, since time.Time) ([]app.Comment, error)
	// OpenPulls lists the open pull requests.
	OpenPulls(ctx context.Context) ([]app.Issue, error)
	IssuesSince(ctx context.Context, since time.Time) ([]app.Issue, error)
	IssueEvents(ctx context.Context, number int) ([]app.IssueEvent, error)
	// CommentReactions reads every reaction; PollCommentReactions only when
	// something changed since seen was last called, which is nil when nothing did.
	CommentReactions(ctx context.Context, comment int64) ([]app.Reaction, error)
	PollCommentReactions(ctx context.Context, comment int64) (reactions []app.Reaction, seen func(), err error)
	Reviews(ctx context.Context, number int) ([]app.Review, error)
}

// Writer is what Agora writes on one repository of GitHub. Each call can be
// repeated.
type Writer interface {
	CreateComment(ctx context.Context, number int, body string) (app.Comment, error)
	EditComment(ctx context.Context, comment int64, body string) error
	DeleteComment(ctx context.Context, comment int64) error
	React(ctx context.Context, comment int64, content string) (reaction int64, err error)
	Unreact(ctx context.Context, comment, reaction int64) error
	EnsureLabels(ctx context.Context, labels []app.LabelSpec) error
	AddLabels(ctx context.Context, number int, labels []string) error
	RemoveLabel(ctx context.Context, number int, label string) error
	CloseIssue(ctx context.Context, number int, reason string) error
	ReopenIssue(ctx context.Context, number int) error
	Merge(ctx context.Context, number int, sha, method, title string) error
	CreateCheck(ctx context.Context, check app.Check) (id int64, err error)
	UpdateCheck(ctx context.Context, id int64, check app.Check) error
}

// GitHub is one repository on GitHub, read and written.
type GitHub interface {
	Reader
	Writer
}

// Identity is who Agora is on GitHub: what it wrote is known by it.
type Identity interface {
	// Mine reports whether our App wrote the comment.
	Mine(ctx context.Context, comment app.Comment) (bool, error)
	// Self reports whether the user is our App.
	Self(ctx context.Context, user app.User) (bool, error)
}

// Renderer turns a view into the words Agora posts.
type Renderer interface {
	Sticky(v View) string
	Ballot(v View, round *Round, result Result) string
	Decision(v View, round *Round, result Result) string
	Check(v View) (title, summary string)
	Reply(comment int64, text string) string
	Labels() []app.LabelSpec
	Escape(text string, limit int) string
	CodeSpan(text string) string
}
