package config

import "slices"

// EntryKind is the kind of an entry of the reputation ledger (RULES §1).
type EntryKind string

// The kinds of ledger entries. EntryVoid brings no points: it only voids another entry.
const (
	RFCAccepted           EntryKind = "rfc_accepted"
	RFCImplemented        EntryKind = "rfc_implemented"
	PullRequestMerged     EntryKind = "pr_merged"
	ConcernUpheld         EntryKind = "concern_upheld"
	RFCRejected           EntryKind = "rfc_rejected"
	CertifiedFoundation   EntryKind = "certified_foundation"
	CertifiedPractitioner EntryKind = "certified_practitioner"
	CertifiedArchitect    EntryKind = "certified_architect"
	CertifiedSpecialist   EntryKind = "certified_specialist"
	VoteCast              EntryKind = "vote_cast"
	CommentReaction       EntryKind = "comment_reaction"
	Endorsement           EntryKind = "endorsement"
	SkillReview           EntryKind = "skill_review"
	SpamRemoved           EntryKind = "spam_removed"
	FrivolousConcern      EntryKind = "frivolous_concern"
	AbuseUpheld           EntryKind = "abuse_upheld"
	FraudUpheld           EntryKind = "fraud_upheld"
	GenesisAdmin          EntryKind = "genesis_admin"
	GenesisMaintain       EntryKind = "genesis_maintain"
	GenesisWrite          EntryKind = "genesis_write"
	GenesisTriage         EntryKind = "genesis_triage"
	EntryVoid             EntryKind = "void"
)

// EntryClass says how an entry counts in P = A + min(S, 20 + A/2) − N.
type EntryClass string

// The classes of RULES §1. ClassNone is that of EntryVoid and of unknown kinds: they never count.
const (
	Authority EntryClass = "A"
	Signal    EntryClass = "S"
	Negative  EntryClass = "N"
	Genesis   EntryClass = "G"
	ClassNone EntryClass = ""
)

// classes is the table of RULES §1 without the points, which are policy.
var classes = map[EntryKind]EntryClass{
	RFCAccepted: Authority, RFCImplemented: Authority, PullRequestMerged: Authority, ConcernUpheld: Authority, RFCRejected: Authority,
	CertifiedFoundation: Authority, CertifiedPractitioner: Authority, CertifiedArchitect: Authority, CertifiedSpecialist: Authority,
	VoteCast: Signal, CommentReaction: Signal, Endorsement: Signal, SkillReview: Signal,
	SpamRemoved: Negative, FrivolousConcern: Negative, AbuseUpheld: Negative, FraudUpheld: Negative,
	GenesisAdmin: Genesis, GenesisMaintain: Genesis, GenesisWrite: Genesis, GenesisTriage: Genesis,
}

// EntryKinds are all kinds that bring or take points, sorted by name.
func EntryKinds() []EntryKind {
	kinds := make([]EntryKind, 0, len(classes))
	for kind := range classes {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Class is the class of the kind, ClassNone when it has none.
func (k EntryKind) Class() EntryClass { return classes[k] }

// Reputation holds the numbers of RULES §1.
type Reputation struct {
	// Points is what an entry of each kind is worth, in whole points; each of EntryKinds() is present.
	Points map[EntryKind]int `json:"points"`
	// HalfLife is that of A, S and G; NegativeHalfLife that of N.
	HalfLife         Duration `json:"half_life"`
	NegativeHalfLife Duration `json:"negative_half_life"`
	// AuthorityPerDay and SignalsPerDay cap what A and S bring on one UTC day, in points.
	AuthorityPerDay int `json:"authority_per_day"`
	SignalsPerDay   int `json:"signals_per_day"`
	// SignalBase and SignalShare cap S at SignalBase + SignalShare·A.
	SignalBase  int      `json:"signal_base"`
	SignalShare Fraction `json:"signal_share"`
	// Curve is the 400 of R = floor(100·(1 − e^(−P/400))).
	Curve int `json:"curve"`
	// Signals are the rules for signals from other people.
	Signals Signals `json:"signals"`
	// GenesisRepositoryAge is how old a repository must be for its permissions to bring genesis points.
	GenesisRepositoryAge Duration `json:"genesis_repository_age"`
}

// Signals are the rules for signals of one person to another (RULES §1).
type Signals struct {
	// FactorBase and FactorShare make the actor's factor: FactorBase + FactorShare·R/100.
	FactorBase  Fraction `json:"factor_base"`
	FactorShare Fraction `json:"factor_share"`
	// MinAccountAge, MinMembership and MinReputation are what an actor needs for a factor above 0.
	MinAccountAge Duration `json:"min_account_age"`
	MinMembership Duration `json:"min_membership"`
	MinReputation int      `json:"min_reputation"`
	// RepeatWindow is how long a signal halves the next of the same actor to the same member.
	RepeatWindow Duration `json:"repeat_window"`
	// Bursts void all signals of one actor to one member, when there are that many within that time.
	Bursts []Burst `json:"bursts"`
	// MutualMax is how many signals two members may exchange, in both directions together, within MutualWindow.
	MutualMax    int      `json:"mutual_max"`
	MutualWindow Duration `json:"mutual_window"`
	// ReactionsPerComment and ReviewsPerDay are how many of those count.
	ReactionsPerComment int `json:"reactions_per_comment"`
	ReviewsPerDay       int `json:"reviews_per_day"`
}

// Burst is too many signals in too short a time.
type Burst struct {
	Count  int      `json:"count"`
	Within Duration `json:"within"`
}
