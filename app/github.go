package app

import (
	"strings"
	"time"
)

// Issue is what GitHub says now of an issue or pull request.
type Issue struct {
	Ref       IssueRef
	Title     string
	Body      string
	URL       string
	Author    User
	Labels    []string
	Open      bool
	Locked    bool
	ClosedBy  User      // who closed it, when GitHub says
	ClosedAt  time.Time // zero while it is open, or where GitHub does not say
	CreatedAt time.Time
	UpdatedAt time.Time
	// Pull is nil for an issue.
	Pull *Pull
}

// HasLabel reports whether the issue wears the label; GitHub compares labels
// without regard to case.
func (i Issue) HasLabel(name string) bool {
	for _, l := range i.Labels {
		if strings.EqualFold(l, name) {
			return true
		}
	}
	return false
}

// Pull is what an issue is besides when it is a pull request.
type Pull struct {
	Draft    bool
	Merged   bool
	HeadSHA  string
	BaseRef  string
	MergedBy User
}

// Comment is one comment on an issue or pull request.
type Comment struct {
	ID        int64
	Author    User
	Body      string
	URL       string
	CreatedAt time.Time
	UpdatedAt time.Time
	// ByApp is the id of the GitHub App that wrote it, 0 for people.
	ByApp int64
	// Reactions is GitHub's own count by content ("+1", "-1", "confused", "eyes", …),
	// nil when the answer did not carry it.
	Reactions map[string]int
}

// Reaction is one person's reaction.
type Reaction struct {
	ID        int64
	User      User
	Content   string // GitHub's word: "+1", "-1", "confused", "eyes", "rocket", …
	CreatedAt time.Time
}

// The states of a pull-request review that Agora reads.
const (
	ReviewApproved         = "APPROVED"
	ReviewChangesRequested = "CHANGES_REQUESTED"
	ReviewCommented        = "COMMENTED"
	ReviewDismissed        = "DISMISSED"
)

// Review is one submitted pull-request review.
type Review struct {
	ID          int64
	Author      User
	State       string
	Body        string
	URL         string
	CommitID    string
	SubmittedAt time.Time
}

// LabelSpec is a label Agora makes when it is missing.
type LabelSpec struct {
	Name        string
	Color       string // six hex digits
	Description string
}

// Check run states as GitHub's API names them.
const (
	CheckInProgress     = "in_progress"
	CheckCompleted      = "completed"
	CheckSuccess        = "success"
	CheckFailure        = "failure"
	CheckActionRequired = "action_required"
)

// Check is a check run as Agora wants it to stand on a commit.
type Check struct {
	Name       string
	HeadSHA    string
	Status     string // CheckInProgress or CheckCompleted
	Conclusion string // set only when completed
	DetailsURL string
	Title      string
	Summary    string
	ExternalID string
}

// CollaboratorPermission is one collaborator of a repository with the highest
// permission GitHub grants.
type CollaboratorPermission struct {
	User       User
	Permission Permission
}

// File is a file's content and the blob's SHA as GitHub's contents API gives it.
type File struct {
	Content []byte
	SHA     string
}

// IssueEvent is one change of a label, of the open state or of a review, from the issue's
// own event list; it tells who acted, and what a review was, when the webhook was lost.
type IssueEvent struct {
	Actor User
	Event string // "labeled", "unlabeled", "closed", "reopened", "review_dismissed"
	Label string
	At    time.Time
	// Review is the id of the review that was dismissed, and ReviewState its state before.
	Review      int64
	ReviewState string
}

// Installation is the App on one account: one community.
type Installation struct {
	ID      int64
	Account Account
	// Suspended and Removed installations are left alone: no request is sent.
	Suspended bool
	Removed   bool
}
