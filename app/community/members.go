package community

import (
	"context"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/config"
)

// Join says how somebody became a member.
type Join string

// The ways to become a member (RULES §1 "Registration").
const (
	JoinedByCommand Join = "command"
	JoinedByGenesis Join = "genesis"
	JoinedByTaking  Join = "taking part" // first comment or vote on an RFC
)

// Member is one person in one community, keyed by GitHub's numeric id.
type Member struct {
	Community int64  `json:"-"`
	ID        int64  `json:"-"`
	Login     string `json:"-"` // as last seen; "" after erasure

	// FormerLogins are the newest of those before, newest first: what was written under them
	// is erased too.
	FormerLogins []string `json:"former_logins,omitempty"`

	Name string `json:"name,omitempty"`
	// AccountCreatedAt is zero until the GitHub profile was read; such a member is
	// not yet eligible.
	AccountCreatedAt time.Time `json:"account_created_at,omitzero"`
	JoinedAt         time.Time `json:"joined_at"`
	JoinedBy         Join      `json:"joined_by"`
	// Genesis tells that the ledger has a genesis entry: eligible at once, and a regular.
	Genesis      bool      `json:"genesis,omitempty"`
	LastActiveAt time.Time `json:"last_active_at,omitzero"`
	LastBallotAt time.Time `json:"last_ballot_at,omitzero"`
	LeftAt       time.Time `json:"left_at,omitzero"`
	Role         string    `json:"role,omitempty"`  // member, moderator, steward
	Level        string    `json:"level,omitempty"` // certification level
	Verified     bool      `json:"verified,omitempty"`
	Blocked      bool      `json:"blocked,omitempty"`
	HeldAt       time.Time `json:"held_at,omitzero"`
	HeldWhy      string    `json:"held_why,omitempty"`
	// SeenIn is a repository that they are known from, a public one where there is any:
	// who was seen only in private is named nowhere else. 0 is for everybody to know.
	SeenIn int64 `json:"seen_in,omitempty"`
	// Contributions counts what the member did, by kind.
	Contributions map[string]int `json:"contributions,omitempty"`
	// OptOuts are the things the member wants to be left out of. E-mail is nobody's before
	// they ask for it; see notification.Settings.
	OptOuts map[string]bool `json:"opt_outs,omitempty"`
}

// What members may opt out of.
const (
	OptOutLeaderboard = "leaderboard"
	OptOutMentions    = "mentions" // in comments of Agora's own
)

// Active reports whether the person is a member now.
func (m Member) Active() bool { return m.LeftAt.IsZero() && !m.JoinedAt.IsZero() }

// maxFormerLogins is how many former logins of a member are kept.
const maxFormerLogins = 10

// rename gives a member the login they bear now.
func (m *Member) rename(login string) {
	if m.Login != "" && m.Login != login {
		former := slices.DeleteFunc(slices.Clone(m.FormerLogins), func(l string) bool { return l == login || l == m.Login })
		former = append([]string{m.Login}, former...)
		m.FormerLogins = former[:min(len(former), maxFormerLogins)]
	}
	m.Login = login
}

// Held reports whether a steward holds the member.
func (m Member) Held() bool { return !m.HeldAt.IsZero() }

// Listed reports whether a leaderboard may name the member (RULES §1 "Leaderboard").
// Bots are no members.
func (m Member) Listed() bool {
	return m.Active() && !m.Held() && !m.Blocked && !m.OptOuts[OptOutLeaderboard]
}

// released is the member without the hold.
func (m Member) released() Member {
	m.HeldAt, m.HeldWhy = time.Time{}, ""
	return m
}

// PolicyRecord is the last good policy of a repository, and where it came from. Where the
// first one is broken there is none yet: then only Broken says so.
type PolicyRecord struct {
	Repository int64         `json:"-"`
	Policy     config.Policy `json:"policy"`
	Version    string        `json:"version"`
	ReadAt     time.Time     `json:"read_at"`
	// HasFile tells that the repository has an agora.yml of its own: it uses Agora.
	HasFile bool `json:"has_file"`
	// Defaults tells that neither the repository nor its owner had one.
	Defaults bool `json:"defaults,omitempty"`
	// Broken says why the file that stands now was not taken; "" when it was.
	Broken string `json:"broken,omitempty"`
}

// Unruled tells that the repository's first configuration is broken: no good one was ever
// read, and by the defaults no round opens either, once somebody wrote rules.
func (p PolicyRecord) Unruled() bool { return p.Broken != "" && (p.Defaults || !p.Known()) }

// Known tells that a good policy was read, be it that of no file at all.
func (p PolicyRecord) Known() bool { return p.Version != "" }

// Tx is what the community needs of a transaction. Lookups that find nothing
// return an error with app.CodeNotFound. Lists are ordered by id.
type Tx interface {
	// What members are told, and how they want to be.
	notification.Entering
	notification.Reading
	notification.Setting

	// Installation and SaveInstallation keep which account is reached how.
	Installation(ctx context.Context, account int64) (app.Installation, error)
	InstallationByLogin(ctx context.Context, login string) (app.Installation, error)
	Installations(ctx context.Context) ([]app.Installation, error)
	SaveInstallation(ctx context.Context, installation app.Installation) error

	Repository(ctx context.Context, id int64) (app.Repository, error)
	RepositoryByName(ctx context.Context, owner, name string) (app.Repository, error)
	Repositories(ctx context.Context, account int64) ([]app.Repository, error)
	SaveRepository(ctx context.Context, repository app.Repository) error
	// RemoveRepository forgets that the App reaches it; what was decided there stays.
	RemoveRepository(ctx context.Context, id int64) error

	Policy(ctx context.Context, repository int64) (PolicyRecord, error)
	SavePolicy(ctx context.Context, record PolicyRecord) error
	// FirstPolicy is the policy of the account's first repository that the App reaches
	// and whose policy is known.
	FirstPolicy(ctx context.Context, account int64) (PolicyRecord, error)

	Member(ctx context.Context, community, id int64) (Member, error)
	MemberByLogin(ctx context.Context, community int64, login string) (Member, error)
	Members(ctx context.Context, community int64) ([]Member, error)
	// ActiveMembers lists those who are members now and known within a scope, from after
	// one, by id.
	ActiveMembers(ctx context.Context, scope Scope, after int64, limit int) ([]Member, error)
	// ListedMembers lists whom a leaderboard may name there (Member.Listed), by id.
	ListedMembers(ctx context.Context, scope Scope) ([]int64, error)
	SaveMember(ctx context.Context, member Member) error

	Ledger
	Rosters

	// AddContribution appends what a member did once per (community, Source); it
	// reports whether it is new.
	AddContribution(ctx context.Context, community int64, contribution Contribution) (added bool, err error)
	// ContributionsOf lists a member's newest contributions, newest first; all when
	// limit is 0.
	ContributionsOf(ctx context.Context, community, member int64, limit int) ([]Contribution, error)

	// CountContributions counts what a member did in the repositories that a scope may
	// see, by kind.
	CountContributions(ctx context.Context, scope Scope, member int64) (map[string]int, error)
	// EntryRepository is the repository that an entry of the ledger comes from, by its
	// Source; 0 when it comes from none that is known.
	EntryRepository(ctx context.Context, community int64, source string) (int64, error)

	EngagementTx
	DigestTx

	// Erase takes a person's name, by every login they had, and words out of what is kept
	// beside the member.
	Erase(ctx context.Context, community, member int64, logins ...string) error

	AppendAudit(ctx context.Context, entry audit.Entry) error
	// RecentAudit lists the newest entries of one subject's trail, oldest first.
	RecentAudit(ctx context.Context, community int64, subject string, limit int) ([]audit.Entry, error)

	// Enqueue, SetTimer and SetTimerEarlier put work into lanes; see command.Tx and rfc.Tx.
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
	SetTimer(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
	SetTimerEarlier(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}

// Store runs transactions. InTx joins a transaction that ctx already carries, so
// that several steps can become one; View reads a consistent state and saves nothing.
type Store interface {
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}
