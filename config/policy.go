// Package config reads what people configure: the server's own configuration (agora.yaml and the environment, LoadServer),
// and a community's policy (.github/agora.yml, ResolvePolicy). It also holds the defaults of every rule that has a number,
// and the small exact types those numbers have: Fraction, Threshold, Duration.
//
// Whatever it reads is taken as hostile: sizes are bounded, unknown keys are errors, and all problems are reported at once.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
)

// Policy is every number that decides something in a community, resolved: defaults, then the owner's file, then the repository's
// (RULES §1 and §2). It is frozen with a voting round when the round opens, as JSON, which it survives unchanged.
// A Policy is a value: copy it with Clone before changing the map or the slices in it.
type Policy struct {
	// Locked is true in an owner's policy that no repository may override.
	Locked bool `json:"locked"`
	// Label is the name of the label by which people make an issue or a pull request an RFC.
	Label string `json:"label"`
	// Types holds the rules of every type of RFC; each of Types() is present.
	Types map[Type]TypeRules `json:"types"`
	// DefaultType is the type of an RFC that names none.
	DefaultType Type `json:"default_type"`
	// Electorate says who may vote.
	Electorate Electorate `json:"electorate"`
	// MinSupporters is how many approvals by others than the author an acceptance needs; never more than N−1.
	MinSupporters int `json:"min_supporters"`
	// AuthorShare is the share of the discussion after which the author may open voting,
	// and of the voting period until which the author may restart it.
	AuthorShare Fraction `json:"author_share"`
	// LateWindow is how long voting goes on at least after a late change of the outcome; 0 is off.
	LateWindow Duration `json:"late_window"`
	// LateWindowShare bounds the late window by a share of the voting period.
	LateWindowShare Fraction `json:"late_window_share"`
	// NearTie extends a vote that ends close to the approval line.
	NearTie NearTie `json:"near_tie"`
	// MaxExtension bounds all extensions of a round together; 0 means that no round is ever extended.
	MaxExtension Duration `json:"max_extension"`
	// EarlyClose closes a vote that no remaining weight could change, EarlyCloseNotice after saying so.
	EarlyClose       bool     `json:"early_close"`
	EarlyCloseNotice Duration `json:"early_close_notice"`
	// CloseOnDecision closes the issue of an RFC when it is decided; pull requests stay as they are.
	CloseOnDecision bool `json:"close_on_decision"`
	// MergeOnAccept is how an accepted pull request is merged.
	MergeOnAccept MergeMethod `json:"merge_on_accept"`
	// Concerns are the rules of concerns.
	Concerns Concerns `json:"concerns"`
	// Postponed says how an RFC without a quorum is tried again.
	Postponed Postponed `json:"postponed"`
	// Organisation bounds the share of one organisation in the cast weight.
	Organisation Organisation `json:"organisation"`
	// TextRestarts is how often a round that would pass is restarted because its text changed.
	TextRestarts int `json:"text_restarts"`
	// TwoStewards is how many stewards it takes where the rules say "two stewards"; where there are fewer, all of them.
	TwoStewards int `json:"two_stewards"`
	// Stewards act on RFCs beside those with maintain or admin permission.
	Stewards []Steward `json:"stewards"`
	// Announce says whom to tell.
	Announce Announce `json:"announce"`
	// Digest says where the monthly digest is posted; without a repository there is none.
	Digest Digest `json:"digest"`
	// Reputation is the community's own: only the owner's file may change it.
	Reputation Reputation `json:"reputation"`
}

// TypeRules are the rules of one type of RFC: a row of the table in RULES §2.
type TypeRules struct {
	// Discussion and Voting are the lengths of the two periods, both positive.
	Discussion Duration `json:"discussion"`
	Voting     Duration `json:"voting"`
	// Quorum is the taking part a decision needs.
	Quorum Quorum `json:"quorum"`
	// Approval is the share of F in F + G that an acceptance needs.
	Approval Threshold `json:"approval"`
}

// Quorum is how much of the electorate must take part.
type Quorum struct {
	// Floor is the fewest voters that can decide.
	Floor int `json:"floor"`
	// Root is the multiplier of √N.
	Root Fraction `json:"root"`
	// Weight is the share of W.
	Weight Fraction `json:"weight"`
}

// Electorate says who may vote (RULES §2).
type Electorate struct {
	// MinReputation is the least R of a voter, 0 to 100.
	MinReputation int `json:"min_reputation"`
	// MinMembership is how long before the opening a voter must have joined; 0 is at once.
	MinMembership Duration `json:"min_membership"`
	// MinAccountAge is how old a voter's GitHub account must be; 0 is any age.
	MinAccountAge Duration `json:"min_account_age"`
	// AutoRegister makes a member of whoever first comments or votes on an RFC.
	AutoRegister bool `json:"auto_register"`
	// RegularWindow is how long a cast ballot keeps its voter among the regulars, who make up N and W.
	RegularWindow Duration `json:"regular_window"`
}

// NearTie extends a round once when its approval ends within Points of the line.
type NearTie struct {
	// Points is the distance, as a fraction: 2 points are 1/50.
	Points Fraction `json:"points"`
	// Extension is how much longer voting goes on; 0 is off.
	Extension Duration `json:"extension"`
}

// Concerns are the rules of concerns (RULES §2).
type Concerns struct {
	// MinReason is the shortest reason, in characters, by which request-changes opens a concern.
	MinReason int `json:"min_reason"`
	// PerMember is how many concerns a member may raise on an RFC, ever.
	PerMember int `json:"per_member"`
	// ClosedShare is the last share of the voting period, in which none may be raised.
	ClosedShare Fraction `json:"closed_share"`
	// Lapse is how long the raiser may be silent after the author addressed it.
	Lapse Duration `json:"lapse"`
}

// Postponed says how an RFC without a quorum is tried again.
type Postponed struct {
	// Retries is how often voting opens again by itself.
	Retries int `json:"retries"`
	// After is how long after the postponement it does.
	After Duration `json:"after"`
}

// Organisation bounds the share of one organisation in the cast weight.
type Organisation struct {
	// Warn is the share above which it is shown.
	Warn Fraction `json:"warn"`
	// Confirm is the share above which stewards must confirm the outcome.
	Confirm Fraction `json:"confirm"`
	// ConfirmWithin is how long after the deadline they may.
	ConfirmWithin Duration `json:"confirm_within"`
}

// Announce says whom the bot's own comments mention.
type Announce struct {
	// Mention lists teams and people, mentioned once.
	Mention []Steward `json:"mention"`
}

// Digest says where and when the monthly digest is posted.
type Digest struct {
	// Repository is "owner/name", or empty for no digest.
	Repository string `json:"repository"`
	// Day is the day of the month, 1 to 28.
	Day int `json:"day"`
}

// MergeMethod is how an accepted pull request is merged.
type MergeMethod string

// The merge methods; MergeNone leaves the pull request to people.
const (
	MergeNone   MergeMethod = "none"
	MergeCommit MergeMethod = "merge"
	MergeSquash MergeMethod = "squash"
	MergeRebase MergeMethod = "rebase"
)

// RulesOf is the rules of a type, those of the default type when t is unknown.
func (p Policy) RulesOf(t Type) TypeRules {
	if rules, ok := p.Types[t]; ok {
		return rules
	}
	return p.Types[p.DefaultType]
}

// Version names the policy: the first twelve hexadecimal digits of the SHA-256 of its JSON. Equal policies have equal versions.
func (p Policy) Version() string {
	// encoding/json is canonical here: fields in order, map keys sorted, every number an integer or an exact string.
	encoded, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encoding a policy: %v", err)) // nothing in a Policy can fail to encode
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])[:12]
}

// Clone is a copy that shares nothing with p.
func (p Policy) Clone() Policy {
	p.Types = maps.Clone(p.Types)
	p.Stewards = slices.Clone(p.Stewards)
	p.Announce.Mention = slices.Clone(p.Announce.Mention)
	p.Reputation.Points = maps.Clone(p.Reputation.Points)
	p.Reputation.Signals.Bursts = slices.Clone(p.Reputation.Signals.Bursts)
	return p
}

// HeadsQuorum is how many voters of an electorate of n must take part: max(floor, ⌈root·√n⌉), at most n (RULES §2).
func (r TypeRules) HeadsQuorum(n int) int {
	if n <= 0 {
		return 0
	}
	return min(max(r.Quorum.Floor, ceilRootTimes(r.Quorum.Root, int64(n))), n)
}

// WeightQuorumMet tells whether cast weight reaches the weight quorum of an electorate of that total weight, exactly.
// An electorate without weight has no quorum.
func (r TypeRules) WeightQuorumMet(cast, total int64) bool {
	return total <= 0 || r.Quorum.Weight.CmpShare(cast, total) >= 0
}

// ceilRootTimes is ⌈root·√n⌉ in integers: the smallest k with k² ≥ root²·n.
func ceilRootTimes(root Fraction, n int64) int {
	square := new(big.Int).Mul(big.NewInt(root.Num()), big.NewInt(root.Num()))
	square.Mul(square, big.NewInt(n))
	below := new(big.Int).Mul(big.NewInt(root.Den()), big.NewInt(root.Den()))
	// k² is an integer, so rounding root²·n up changes nothing.
	square.Add(square, below).Sub(square, big.NewInt(1)).Quo(square, below)
	k := new(big.Int).Sqrt(square)
	if new(big.Int).Mul(k, k).Cmp(square) < 0 {
		k.Add(k, big.NewInt(1))
	}
	if !k.IsInt64() || k.Int64() > math.MaxInt {
		return math.MaxInt
	}
	return int(k.Int64())
}

// Contains tells whether the approval part/whole lies within Points of the line, on either side, exactly.
// Nothing cast (whole ≤ 0) is no tie.
func (t NearTie) Contains(part, whole int64, line Fraction) bool {
	if whole <= 0 || t.Extension <= 0 {
		return false
	}
	distance := new(big.Rat).SetFrac64(part, whole)
	distance.Sub(distance, line.Rat())
	return distance.Abs(distance).Cmp(t.Points.Rat()) <= 0
}
