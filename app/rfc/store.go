package rfc

import (
	"context"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
)

// Filter narrows a list of RFCs. Zero fields do not narrow.
type Filter struct {
	Community int64
	State     State
	Type      string
	// Public leaves out what belongs to repositories that are private or out of the App's
	// reach, except the one it is read from.
	Public bool
	From   int64 // a repository's id, 0 for none
	// Repository narrows to those at its issues, or that were while it was in their community.
	Repository int64
	// BeforeNumber pages: only RFCs with a smaller number.
	BeforeNumber int
	Limit        int
}

// Pull is a pull request as Agora's gate sees it: which RFCs it ever named binds
// it until a steward unlinks it.
type Pull struct {
	Ref       app.IssueRef `json:"-"`
	Community int64        `json:"-"`
	HeadSHA   string       `json:"-"`
	Open      bool         `json:"-"`
	Title     string       `json:"title"`
	URL       string       `json:"url"`
	Author    app.User     `json:"author"`
	Merged    bool         `json:"merged,omitempty"`
	MergedBy  int64        `json:"merged_by,omitempty"` // 0 when GitHub did not say
	// Bound are the numbers of the RFCs it names by `Implements:`, ever.
	Bound []int `json:"bound,omitempty"`
	// Named are those its text names now; the rest of Bound it once named.
	Named []int `json:"named,omitempty"`
	// Unlinked are those a steward freed it from while its text names them still.
	Unlinked []int `json:"unlinked,omitempty"`
	// UnlinkedAt is when a steward last did: what it named before binds it no more.
	UnlinkedAt time.Time `json:"unlinked_at,omitzero"`
	// UpdatedAt is GitHub's; an older event never overwrites a newer one.
	UpdatedAt time.Time `json:"updated_at"`
}

// CheckRecord is a check run Agora keeps true on a commit.
type CheckRecord struct {
	Repository int64  `json:"-"`
	HeadSHA    string `json:"-"`
	Name       string `json:"-"` // "agora/rfc"
	// Pulls are the pull requests it answers for: one, or all of a merge group.
	Pulls []int `json:"pulls"`
	// MergeGroup tells a merge-queue head from a pull request's.
	MergeGroup bool `json:"merge_group,omitempty"`
	// Unreadable says why a merge group's pull requests could not be told; it fails closed.
	Unreadable string    `json:"unreadable,omitempty"`
	CheckID    int64     `json:"check_id,omitempty"`
	Sent       string    `json:"sent,omitempty"` // digest of what stands on GitHub
	SentAt     time.Time `json:"sent_at,omitzero"`
	// CreatedAt is when the run was made: GitHub marks incomplete runs stale after 14 days.
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Written is one comment Agora keeps on an issue: its intent is stored before the
// call and its id after it, so that nothing is posted twice.
type Written struct {
	Ref app.IssueRef `json:"-"`
	Key string       `json:"-"` // "sticky", "ballot/2", "decision/2", "reply/991"

	CommentID int64     `json:"comment_id,omitempty"`
	URL       string    `json:"url,omitempty"`
	Sent      string    `json:"sent,omitempty"`  // digest of the body that stands on GitHub
	Intent    time.Time `json:"intent,omitzero"` // a creation was begun and its outcome is unknown
	SentAt    time.Time `json:"sent_at,omitzero"`
	// Votes are those that the sticky comment shows.
	Votes VotesShown `json:"votes,omitzero"`
}

// Tx is what RFCs need of a transaction, besides the community's part. Lookups
// that find nothing return an error with app.CodeNotFound.
type Tx interface {
	community.Tx // and SetTimer, SetTimerEarlier
	command.Tx   // what ran of a comment, and Enqueue

	// Waiting lists the bodies of what waits of a kind for a lane, or in it.
	Waiting(ctx context.Context, lane, kind string) ([][]byte, error)
	RFC(ctx context.Context, id int64) (*RFC, error)
	RFCByIssue(ctx context.Context, ref app.IssueRef) (*RFC, error)
	RFCByNumber(ctx context.Context, community int64, number int) (*RFC, error)
	// RFCs lists by number, newest first; drafts without a number come first.
	RFCs(ctx context.Context, filter Filter) ([]*RFC, error)
	// SaveRFC inserts when ID is 0 and sets it; else it updates the very Version that
	// was loaded, and answers app.CodeConflict when somebody else was faster.
	SaveRFC(ctx context.Context, r *RFC) error
	// NextNumber takes the community's next RFC number; each is given once.
	NextNumber(ctx context.Context, community int64) (int, error)

	Round(ctx context.Context, rfc int64, number int) (*Round, error)
	Rounds(ctx context.Context, rfc int64) ([]*Round, error)
	SaveRound(ctx context.Context, round *Round) error
	Electorate(ctx context.Context, rfc int64, round int) ([]Voter, error)
	SaveElectorate(ctx context.Context, rfc int64, round int, voters []Voter) error
	Acts(ctx context.Context, rfc int64, round int) ([]Act, error)
	// AddAct appends an act once per (RFC, round, channel, source, choice, instant).
	AddAct(ctx context.Context, act *Act) (added bool, err error)

	Pull(ctx context.Context, ref app.IssueRef) (Pull, error)
	SavePull(ctx context.Context, pull Pull) error
	// PullsAt lists the pull requests of the repository whose head is a commit.
	PullsAt(ctx context.Context, repository int64, sha string) ([]Pull, error)
	// PullsBoundTo lists the open pull requests of the community that named the RFC.
	PullsBoundTo(ctx context.Context, community int64, number int) ([]Pull, error)
	Check(ctx context.Context, repository int64, headSHA, name string) (CheckRecord, error)
	SaveCheck(ctx context.Context, check CheckRecord) error
	// MergeGroupsOf lists the checks of merge groups that hold the pull request.
	MergeGroupsOf(ctx context.Context, ref app.IssueRef) ([]CheckRecord, error)

	WrittenComment(ctx context.Context, ref app.IssueRef, key string) (Written, error)
	SaveWrittenComment(ctx context.Context, written Written) error
	// MoveIssue renames an issue everywhere after GitHub transferred it, or an RFC left it.
	MoveIssue(ctx context.Context, from, to app.IssueRef) error

	// Audit lists the trail of one subject, oldest first, from after the given ID.
	Audit(ctx context.Context, community int64, subject string, after int64, limit int) ([]audit.Entry, error)
	// RecentAudit lists its newest entries, oldest first.
	RecentAudit(ctx context.Context, community int64, subject string, limit int) ([]audit.Entry, error)
	// AuditHead is where the community's chain ends.
	AuditHead(ctx context.Context, community int64) (audit.Head, error)

	CancelTimer(ctx context.Context, key string) error
}

// Store runs transactions. InTx joins a transaction that ctx already carries, so
// that several steps can become one; View reads a consistent state and saves nothing.
type Store interface {
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}
