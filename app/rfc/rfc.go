// Package rfc takes a request for comments from its label to its decision: the
// lifecycle, voting rounds with a frozen electorate, ballots over three channels,
// concerns, the tally and what follows from it (RULES §2). Everything that decides
// is a pure function of stored values; Service reads GitHub, calls it in one
// transaction, and leaves the writing to publications (Publish).
package rfc

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// State is where an RFC stands (RULES §2 "States").
type State string

// The states of an RFC. Each has a label `rfc/…` that Agora owns.
const (
	Draft            State = "draft"
	Open             State = "open"
	Voting           State = "voting"
	Accepted         State = "accepted"
	Rejected         State = "rejected"
	Postponed        State = "postponed"
	ChangesRequested State = "changes-requested"
	Withdrawn        State = "withdrawn"
	Superseded       State = "superseded"
	Implemented      State = "implemented"
)

// States lists every state in the order of the lifecycle.
var States = []State{Draft, Open, Voting, Accepted, Rejected, Postponed, ChangesRequested, Withdrawn, Superseded, Implemented}

// Decided reports whether a vote, or a person, has ended the process for now.
func (s State) Decided() bool {
	switch s {
	case Draft, Open, Voting:
		return false
	}
	return true
}

// Label is the label Agora sets for the state.
func (s State) Label() string {
	if s == Open {
		return "rfc/open-for-comment"
	}
	return "rfc/" + string(s)
}

// Kind says what an RFC is on GitHub.
type Kind string

// An RFC is an issue or a pull request.
const (
	KindIssue Kind = "issue"
	KindPull  Kind = "pull_request"
)

// RFC is one request for comments with everything that is remembered of it
// outside its rounds. Saved whole; Version guards against lost updates.
type RFC struct {
	ID        int64        `json:"-"`
	Version   int64        `json:"-"`
	Community int64        `json:"-"` // account id
	Number    int          `json:"-"` // RFC-n; 0 until it first opens
	State     State        `json:"-"`
	Ref       app.IssueRef `json:"-"`

	Kind   Kind        `json:"kind"`
	Title  string      `json:"title"`
	Type   config.Type `json:"type"`
	Author app.User    `json:"author"`
	URL    string      `json:"url"`
	// CoAuthors are the members whom the text named as such at the last reading.
	CoAuthors []int64 `json:"co_authors,omitempty"`
	// Text is what GitHub showed at the last reading; TextEditor changed it last.
	Text Text `json:"text"`
	// Labels as GitHub showed them at the last reading or Agora left them since.
	Labels   []string  `json:"labels"`
	LabelsAt time.Time `json:"labels_at,omitzero"`
	// Labelled tells that people's label belongs on it: somebody put it on, or the RFC
	// was opened. Missing then, it was taken away.
	Labelled bool `json:"labelled,omitempty"`
	// LabelledAt is since when: who took the label away before did not take this one.
	LabelledAt time.Time `json:"labelled_at,omitzero"`
	// PullDraft remembers that the pull request was a draft, so that "marked
	// ready" is noticed however late it is read.
	PullDraft bool `json:"pull_draft,omitempty"`
	// IssueOpen is as GitHub showed it at the last reading, and ClosedAt since when it is not.
	IssueOpen  bool      `json:"issue_open"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	Registered time.Time `json:"registered"`
	// MovedAt is when GitHub transferred the issue: comments have other ids since.
	MovedAt time.Time `json:"moved_at,omitzero"`
	// Left is the number of the issue when its repository moved to another account, 0 while
	// it did not. The RFC stays with its community, and Ref is no issue's any more.
	Left int `json:"left,omitempty"`

	// NumberedAt is when it was first opened, and RepliedAt when first somebody else than
	// its author answered. The latter is no more than an instant, and only moves back.
	NumberedAt time.Time `json:"numbered_at,omitzero"`
	RepliedAt  time.Time `json:"replied_at,omitzero"`

	OpenedAt       time.Time `json:"opened_at,omitzero"`       // the current discussion began
	DiscussionEnds time.Time `json:"discussion_ends,omitzero"` // voting opens by itself
	// OpenBlocked says why no round could be opened though it was due ("" when nothing is in the way).
	OpenBlocked string `json:"open_blocked,omitempty"`
	// MergeRefused tells that GitHub did not let an accepted pull request be merged.
	MergeRefused bool `json:"merge_refused,omitempty"`

	Round         int       `json:"round"` // the newest round, 0 before the first
	Postponements int       `json:"postponements,omitempty"`
	RetryAt       time.Time `json:"retry_at,omitzero"` // a postponed RFC votes again
	Restarts      int       `json:"restarts,omitempty"`
	Concerns      []Concern `json:"concerns,omitempty"`

	DecidedAt time.Time `json:"decided_at,omitzero"`
	// Bound is the text the acceptance holds for (RULES §2 "Text").
	Bound         Text   `json:"bound,omitzero"`
	PolicyVersion string `json:"policy_version,omitempty"`
	Supersedes    []int  `json:"supersedes,omitempty"`
	SupersededBy  int    `json:"superseded_by,omitempty"`
	ImplementedBy string `json:"implemented_by,omitempty"`
	// Why is the reason people gave for the last move.
	Why string `json:"why,omitempty"`

	// LastSpoke is when each person last wrote on the RFC, by numeric id.
	LastSpoke map[int64]time.Time `json:"last_spoke,omitempty"`
	// Participants are who wrote more than commands, voted or raised a concern, besides
	// the author: they are told what happens.
	Participants []int64 `json:"participants,omitempty"`
}

// person is who wrote it, 0 for a bot or a deleted account: those earn nothing and are
// told nothing, and what only an author may do falls to stewards.
func (r *RFC) person() int64 {
	if r.Author.Bot {
		return 0
	}
	return r.Author.ID
}

// Issue is the number of the issue or pull request that it is, or was.
func (r *RFC) Issue() int { return cmp.Or(r.Left, r.Ref.Number) }

// accepted reports whether the community accepted the RFC, implemented or not.
func (r *RFC) accepted() bool { return r.State == Accepted || r.State == Implemented }

// ChangedSince reports whether the text is no longer the one that was accepted: the
// acceptance is bound to that (RULES §2 "Text").
func (r *RFC) ChangedSince() bool { return r.accepted() && r.Bound.Hash != "" && r.Text != r.Bound }

// Text identifies what is voted on: the hash of an issue's title and body, or of
// a pull request's head commit.
type Text struct {
	Hash string `json:"hash"`
	Head string `json:"head,omitempty"` // head commit of a pull request
}

// Confirmation is one steward's `/rfc confirm`.
type Confirmation struct {
	By app.User  `json:"by"`
	At time.Time `json:"at"`
}

// Extension is time added to a round by a steward.
type Extension struct {
	By  app.User        `json:"by"`
	At  time.Time       `json:"at"`
	For config.Duration `json:"for"`
	Why string          `json:"why"`
}

// Void takes one voter's ballot out of a round, as of an instant: blocked or held
// mid-round. N and W stay (RULES §2 "Ballots").
type Void struct {
	Voter int64     `json:"voter"`
	At    time.Time `json:"at"`
	Why   string    `json:"why"`
}

// voids reports whether the voter's ballots were taken out of the round.
func (r *Round) voids(voter int64) bool {
	return slices.ContainsFunc(r.Voids, func(v Void) bool { return v.Voter == voter })
}

// Round is one vote: its frozen rules and electorate size, and its clock.
type Round struct {
	RFC    int64 `json:"-"`
	Number int   `json:"-"`

	Type          config.Type   `json:"type"`
	Policy        config.Policy `json:"policy"`
	PolicyVersion string        `json:"policy_version"`
	// PolicyBroken says, not escaped, what was wrong with the configuration that stood when
	// the round opened, so that the last good one rules it; "" when that one rules.
	PolicyBroken string    `json:"policy_broken,omitempty"`
	OpenedAt     time.Time `json:"opened_at"`
	Planned      time.Time `json:"planned"` // the deadline before any extension
	Text         Text      `json:"text"`
	// Supersedes are the RFCs that the text named so when the round opened: voters accept
	// these, and no others. Nil in a round from before it was kept.
	Supersedes []int `json:"supersedes"`
	// Heads and Weight are N and W: the regulars, the base of the quorum.
	// Eligible counts everybody who may vote.
	Heads    int   `json:"heads"`
	Weight   int64 `json:"weight"` // hundredths
	Eligible int   `json:"eligible"`

	Extensions []Extension `json:"extensions,omitempty"`
	Voids      []Void      `json:"voids,omitempty"`
	// TextChangedAt is set while the text differs from what the round began with, or did
	// when the voting ended, and no steward called the change editorial.
	TextChangedAt time.Time `json:"text_changed_at,omitzero"`
	// Stood is the text that is known to have stood last before the end of the voting, and
	// Late are the edits from after it of which events told.
	Stood TextAt `json:"stood,omitzero"`
	Late  []Edit `json:"late,omitempty"`
	// EditedAt is when the last edit before the end was made of which an event told.
	EditedAt time.Time `json:"edited_at,omitzero"`
	// Unheard is since when the text is known to be another, and not on which side of the
	// end it was changed: the event of the edit is waited for.
	Unheard time.Time `json:"unheard,omitzero"`
	// Deadline is where the deadline stood when the trail last spoke of it, and
	// NearTie whether a near tie is part of that; what counts is recounted.
	Deadline time.Time `json:"deadline,omitzero"`
	NearTie  bool      `json:"near_tie,omitempty"`
	// ReadBallot is the ballot comment whose reactions were read last. When another
	// takes its place, the reactions on the old one, by id, are kept: nobody took
	// them back.
	ReadBallot    int64   `json:"read_ballot,omitempty"`
	KeptReactions []int64 `json:"kept_reactions,omitempty"`
	// EarlyCloseAt is when a decided round closes early; zero when not announced.
	EarlyCloseAt time.Time `json:"early_close_at,omitzero"`
	// ConfirmBy runs while two stewards must confirm a result carried by one organisation.
	ConfirmBy time.Time `json:"confirm_by,omitzero"`
	// ConfirmNeed is how many stewards must confirm: two, or the only one there is.
	ConfirmNeed   int            `json:"confirm_need,omitempty"`
	Confirmations []Confirmation `json:"confirmations,omitempty"`

	// The ballot comment is remembered where comments are; it is filled in for showing.
	BallotURL     string    `json:"-"`
	LastRead      time.Time `json:"last_read,omitzero"` // the last complete reading of all channels
	ClosedAt      time.Time `json:"closed_at,omitzero"` // decided, restarted or abandoned
	Outcome       Outcome   `json:"outcome,omitempty"`
	Reasons       []string  `json:"reasons,omitempty"`
	FinalDeadline time.Time `json:"final_deadline,omitzero"`
	// Voters is how many ballots counted when a vote decided the round.
	Voters int `json:"voters,omitempty"`
}

// Rules are the frozen numbers of the round's type.
func (r *Round) Rules() config.TypeRules { return r.Policy.RulesOf(r.Type) }

// Closed reports whether the round no longer takes ballots.
func (r *Round) Closed() bool { return !r.ClosedAt.IsZero() }

// Decided is when a vote ended the round, zero when none did: it goes on, or was
// restarted or abandoned.
func (r *Round) Decided() time.Time {
	switch r.Outcome {
	case OutcomeAccepted, OutcomeRejected, OutcomePostponed, OutcomeChangesRequested:
		return r.ClosedAt
	}
	return time.Time{}
}

// Period is the planned length of the round.
func (r *Round) Period() time.Duration { return r.Planned.Sub(r.OpenedAt) }

// ConcernsUntil is the instant from which no new concern is taken: the last
// quarter of the voting period (RULES §2 "Concerns").
func (r *Round) ConcernsUntil() time.Time {
	return r.Planned.Add(-time.Duration(r.Policy.Concerns.ClosedShare.FloorOf(int64(r.Period()))))
}

// Voter is one member of a round's frozen electorate.
type Voter struct {
	ID         int64
	Login      string
	Reputation int   // R, 0–100
	Weight     int64 // hundredths: 100 + 4R
	Regular    bool  // counts in N and W
}

// Name is how people call the RFC: "RFC-7", or "this draft" before it has a number.
func (r *RFC) Name() string {
	if r.Number == 0 {
		return "this draft"
	}
	return fmt.Sprintf("RFC-%d", r.Number)
}

// Concern finds a concern by its number; nil when there is none.
func (r *RFC) Concern(number int) *Concern {
	for i := range r.Concerns {
		if r.Concerns[i].Number == number {
			return &r.Concerns[i]
		}
	}
	return nil
}

// wear has people's label belong on it from an instant on, unless it did before.
func (r *RFC) wear(since time.Time) {
	if !r.Labelled {
		r.Labelled, r.LabelledAt = true, since.Truncate(time.Second)
	}
}

// keepsLabel tells whether people's label is put back when it is taken away. Only what
// was withdrawn has left the process (RULES §2).
func (r *RFC) keepsLabel() bool { return r.Labelled && r.State != Withdrawn }

// Subject is the RFC's name in the audit trail; it holds from before the RFC has a
// number.
func (r *RFC) Subject() string { return fmt.Sprintf("rfc/%d", r.ID) }
