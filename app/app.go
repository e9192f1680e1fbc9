// Package app holds the words that all of Agora shares: who somebody is, what
// GitHub says of an issue, how an error reaches people, and what stands in a
// lane of the queue. The domains (rfc, community, …) build on it; it imports
// none of them.
package app

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Clock tells the time. Everything that decides takes it injected and reads it
// in UTC.
type Clock func() time.Time

// Permission is what a person may do in a repository, as GitHub says at the
// moment of asking. The zero value is PermissionNone: it grants nothing.
type Permission int

// The permissions of a repository, weakest first.
const (
	PermissionNone Permission = iota
	PermissionRead
	PermissionTriage
	PermissionWrite
	PermissionMaintain
	PermissionAdmin
)

var permissionNames = [...]string{"none", "read", "triage", "write", "maintain", "admin"}

// String is GitHub's own word for the permission.
func (p Permission) String() string {
	if p < 0 || int(p) >= len(permissionNames) {
		return "none"
	}
	return permissionNames[p]
}

// ParsePermission reads GitHub's word; the older pull and push are understood.
// An unknown word grants nothing.
func ParsePermission(name string) Permission {
	switch strings.ToLower(name) {
	case "read", "pull":
		return PermissionRead
	case "triage":
		return PermissionTriage
	case "write", "push":
		return PermissionWrite
	case "maintain":
		return PermissionMaintain
	case "admin":
		return PermissionAdmin
	}
	return PermissionNone
}

// User is a GitHub account as one answer or event shows it. ID is what counts;
// Login is for people and may change. The zero User stands for a deleted account.
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name,omitempty"`
	Bot   bool   `json:"bot,omitempty"`
	// CreatedAt is zero unless the full profile was read.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Email is what the profile shows, "" unless it was read. It is never kept with the
	// rest.
	Email string `json:"-"`
}

// Gone reports whether the account was deleted (GitHub says null).
func (u User) Gone() bool { return u.ID == 0 }

// Account is the owner of repositories: an organisation or a user. One account
// with the App installed is one community.
type Account struct {
	ID           int64  `json:"id"`
	Login        string `json:"login"`
	Organization bool   `json:"organization"`
}

// Repository is one repository of a community.
type Repository struct {
	ID            int64     `json:"id"`
	Owner         Account   `json:"owner"`
	Name          string    `json:"name"`
	Private       bool      `json:"private"`
	Archived      bool      `json:"archived"`
	DefaultBranch string    `json:"default_branch"`
	CreatedAt     time.Time `json:"created_at,omitzero"`
	// Installation is the App's installation that reaches this repository.
	Installation int64 `json:"installation"`
}

// FullName is owner/name.
func (r Repository) FullName() string { return r.Owner.Login + "/" + r.Name }

// Public reports whether anybody may see what belongs to the repository. One that the
// App no longer reaches may have become private since.
func (r Repository) Public() bool { return !r.Private && r.Installation != 0 }

// IssueRef names an issue or pull request for good: repositories are renamed,
// ids stay.
type IssueRef struct {
	Repository int64 `json:"repository"`
	Number     int   `json:"number"`
}

// Lane is the queue's lane in which everything about this issue stands in order.
func (r IssueRef) Lane() string { return fmt.Sprintf("issue/%d/%d", r.Repository, r.Number) }

// EffectLane is the issue's second lane, for what Agora writes on GitHub, so
// that GitHub's limits never hold up the counting of votes.
func (r IssueRef) EffectLane() string { return r.Lane() + "/effects" }

// Error is an error that can reach a person: a machine code and a sentence.
// Wrap says what was being done.
type Error struct {
	Code    string // machine code, e.g. "forbidden"
	Message string // a whole sentence for people
	Err     error  // the cause, may be nil; never shown to people
}

// The machine codes that edges map to their own words (HTTP status, reaction).
const (
	CodeNotFound    = "not_found"
	CodeForbidden   = "forbidden"
	CodeInvalid     = "invalid"
	CodeConflict    = "conflict"
	CodeUnavailable = "unavailable"
	CodeGone        = "gone"
	CodeFenced      = "fenced"
	// CodeStopped: GitHub lets the App do nothing there for now; it is suspended, or
	// the repository is archived.
	CodeStopped = "stopped"
	// CodeUninstalled: the App is not installed there any more.
	CodeUninstalled = "uninstalled"
)

// Error joins the sentence and its cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a code and a sentence for people.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf finds the machine code in an error's chain; "" when there is none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Is reports whether the error's chain carries the machine code.
func Is(err error, code string) bool { return err != nil && CodeOf(err) == code }
