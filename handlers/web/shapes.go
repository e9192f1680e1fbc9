package web

import (
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

// The shapes of the JSON API; fields may be added, never renamed. Weights are decimal
// strings; instants RFC 3339 in UTC, null when there is none.

type personShape struct {
	ID    int64  `json:"id" doc:"GitHub's numeric user id; 0 for a deleted account"`
	Login string `json:"login" doc:"As last seen; logins change"`
}

type countShape struct {
	Weight string `json:"weight" example:"31.52"`
	Voters int    `json:"voters"`
}

type tallyShape struct {
	Approve        countShape `json:"approve"`
	Reject         countShape `json:"reject"`
	RequestChanges countShape `json:"request_changes"`
	Abstain        countShape `json:"abstain"`
}

type headsShape struct {
	Have int `json:"have"`
	Need int `json:"need"`
}

type weightShape struct {
	Have string `json:"have" example:"35.52"`
	Need string `json:"need" example:"30.10"`
}

type quorumShape struct {
	Heads  headsShape  `json:"heads"`
	Weight weightShape `json:"weight"`
	Met    bool        `json:"met"`
}

type approvalShape struct {
	Share string `json:"share" example:"0.7412" doc:"Weight for, of the weight for and against, rounded down"`
	Need  string `json:"need" example:"2/3" doc:"At least this fraction, or more than it when it begins with >"`
	Met   bool   `json:"met"`
}

type rfcShape struct {
	Number              int           `json:"number"`
	Repository          string        `json:"repository" example:"acme/rfcs"`
	Issue               int           `json:"issue"`
	Kind                string        `json:"kind" enum:"issue,pull_request"`
	Title               string        `json:"title"`
	Type                string        `json:"type" enum:"roadmap,capability_proposal,standard,policy_change,breaking_change"`
	State               string        `json:"state" enum:"draft,open,voting,accepted,rejected,postponed,changes-requested,withdrawn,superseded,implemented"`
	Author              personShape   `json:"author"`
	URL                 string        `json:"url" doc:"The issue or pull request on GitHub"`
	PageURL             string        `json:"page_url" doc:"The page of the RFC on this server"`
	OpenedAt            *time.Time    `json:"opened_at"`
	VotingOpensAt       *time.Time    `json:"voting_opens_at" doc:"When voting opens by itself; null while it cannot"`
	Round               int           `json:"round" doc:"The newest voting round, 0 before the first"`
	VotingOpenedAt      *time.Time    `json:"voting_opened_at"`
	Deadline            *time.Time    `json:"deadline"`
	Tally               tallyShape    `json:"tally"`
	Quorum              quorumShape   `json:"quorum"`
	Approval            approvalShape `json:"approval"`
	ConcernsOpen        int           `json:"concerns_open"`
	WouldPass           bool          `json:"would_pass"`
	UnweightedWouldPass bool          `json:"unweighted_would_pass" doc:"The same, had every vote the same weight"`
	Outcome             *string       `json:"outcome" doc:"How the newest round ended; null until then"`
	Reasons             []string      `json:"reasons" nullable:"false" doc:"What stands in the way, or why it passes"`
	PolicyVersion       string        `json:"policy_version" doc:"Of the rules frozen with the round; before there is one, of those in force"`
}

type ballotShape struct {
	Round    int         `json:"round"`
	Voter    personShape `json:"voter"`
	Choice   string      `json:"choice" enum:"approve,reject,request-changes,abstain,retracted,conflicting"`
	Weight   string      `json:"weight" example:"3.40"`
	Counted  bool        `json:"counted"`
	CountsAs string      `json:"counts_as" doc:"Where the tally has it, empty when nowhere: a request for changes whose concern was resolved or lapsed is an abstention there"`
	WhyNot   string      `json:"why_not"`
	Channel  string      `json:"channel" enum:"reaction,comment,review"`
	CastAt   time.Time   `json:"cast_at"`
	URL      string      `json:"url" doc:"The comment or review; for a reaction the ballot comment"`
}

type auditShape struct {
	Seq           int64        `json:"seq" doc:"Place in the community's chain; 0 for a moment, until the entry is sealed"`
	At            time.Time    `json:"at"`
	Actor         *personShape `json:"actor" doc:"null for Agora itself"`
	Kind          string       `json:"kind"`
	From          string       `json:"from"`
	To            string       `json:"to"`
	Reason        string       `json:"reason"`
	PolicyVersion string       `json:"policy_version"`
	Hash          string       `json:"hash" doc:"Of the entry itself"`
	Chain         string       `json:"chain" doc:"Of the community's chain up to and with this entry; empty until it is sealed"`
}

type memberShape struct {
	ID            int64          `json:"id"`
	Login         string         `json:"login"`
	Role          string         `json:"role" enum:"member,moderator,steward"`
	Level         string         `json:"level" doc:"Certification level, empty without one"`
	Reputation    int            `json:"reputation" minimum:"0" maximum:"100"`
	Weight        string         `json:"weight" example:"3.40" doc:"Of a vote: 1 + R/25"`
	JoinedAt      time.Time      `json:"joined_at"`
	Contributions map[string]int `json:"contributions"`
	Engagement    *int           `json:"engagement,omitempty" minimum:"0" maximum:"100" doc:"The score of the last 90 days, from public repositories; only where one member is asked for"`
}

type placeShape struct {
	Rank       int         `json:"rank" doc:"Equals share one, and the next is counted as if they did not: 1, 2, 2, 4"`
	Member     personShape `json:"member"`
	Points     string      `json:"points" example:"61.5" doc:"Earned on the last days, not decayed: what authority, a quorum, signals and taking part brought after the daily caps, less penalties"`
	Reputation int         `json:"reputation" minimum:"0" maximum:"100"`
	Weight     string      `json:"weight" example:"3.40" doc:"Of a vote: 1 + R/25"`
}

type gateShape struct {
	Passed bool   `json:"passed"`
	State  string `json:"state"`
	RFC    int    `json:"rfc"`
	Reason string `json:"reason"`
	URL    string `json:"url"`
}

func person(u app.User) personShape { return personShape{ID: u.ID, Login: u.Login} }

func count(c rfc.Count) countShape {
	return countShape{Weight: rfc.FormatWeight(c.Weight), Voters: c.Voters}
}

// moment is a time in UTC, to the microsecond: nothing is known more exactly.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// instant is a moment, nil for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = moment(t)
	return &t
}

// shapeRFC is how the API shows a view. While an RFC is discussed again, the
// ballots of an earlier round are void and not shown as its tally; the rules are
// those in force.
func (s *server) shapeRFC(v rfc.View) rfcShape {
	r := v.RFC
	shape := rfcShape{
		Number: r.Number, Repository: v.Repository.FullName(), Issue: r.Issue(), Kind: string(r.Kind),
		Title: r.Title, Type: string(r.Type), State: string(r.State), Author: person(r.Author), URL: r.URL,
		PageURL: s.pageURL(v.Account.Login, r.Number), OpenedAt: instant(r.OpenedAt), Round: r.Round,
		ConcernsOpen: rfc.OpenConcerns(r.Concerns), Reasons: []string{}, PolicyVersion: r.PolicyVersion,
		Tally: shapeTally(rfc.Tally{}), Quorum: quorumShape{Weight: weightShape{Have: "0.00", Need: "0.00"}}, Approval: approvalShape{Share: "0.0000"},
	}
	if r.State == rfc.Open && !v.Unruled {
		shape.VotingOpensAt = instant(r.DiscussionEnds)
	}
	switch {
	case render.Current(v):
		shapeRound(&shape, v.Round, v.Result)
	case len(v.Policy.Types) > 0: // what a round would be held by that opens now
		shape.Approval.Need, shape.PolicyVersion = v.Policy.RulesOf(r.Type).Approval.String(), v.Policy.Version()
	}
	return shape
}

func shapeRound(shape *rfcShape, round *rfc.Round, result rfc.Result) {
	verdict := result.Verdict
	shape.VotingOpenedAt, shape.Deadline = instant(round.OpenedAt), instant(result.Deadline)
	shape.Tally = shapeTally(result.Tally)
	shape.Quorum = quorumShape{
		Heads:  headsShape{Have: verdict.QuorumHeads, Need: verdict.QuorumHeadsNeed},
		Weight: weightShape{Have: rfc.FormatWeight(verdict.QuorumWeight), Need: rfc.FormatWeight(verdict.QuorumWeightNeed)},
		Met:    verdict.QuorumToPass,
	}
	shape.Approval = approvalShape{
		Share: decimalShare(result.Tally.Approve.Weight, result.Tally.Approve.Weight+result.Tally.Against().Weight),
		Need:  round.Rules().Approval.String(), Met: verdict.Approval,
	}
	if !round.Closed() {
		shape.ConcernsOpen = result.OpenConcerns // as of the end of voting, should it be over
	}
	shape.WouldPass, shape.UnweightedWouldPass = result.WouldPass(), result.Unweighted.Outcome == rfc.OutcomeAccepted
	shape.Reasons, shape.PolicyVersion = verdict.Reasons, round.PolicyVersion
	if round.Closed() {
		outcome := string(round.Outcome)
		shape.Outcome = &outcome
		if len(round.Reasons) > 0 {
			shape.Reasons = round.Reasons
		}
	}
	if shape.Reasons == nil {
		shape.Reasons = []string{}
	}
}

func shapeTally(t rfc.Tally) tallyShape {
	return tallyShape{Approve: count(t.Approve), Reject: count(t.Reject), RequestChanges: count(t.RequestChanges), Abstain: count(t.Abstain)}
}

// decimalShare is part of whole with four decimals, rounded down: "0.7412".
func decimalShare(part, whole int64) string {
	// FormatShare rounds a percentage down to two places, which is the same digits.
	percent := strings.TrimSuffix(rfc.FormatShare(part, whole), " %")
	units, decimals, _ := strings.Cut(percent, ".")
	digits := strings.Repeat("0", max(0, 3-len(units))) + units + (decimals + "00")[:2]
	return digits[:len(digits)-4] + "." + digits[len(digits)-4:]
}

func shapeBallot(b rfc.Ballot, round *rfc.Round) ballotShape {
	return ballotShape{
		Round: b.Round, Voter: person(b.Voter), Choice: string(b.Choice), Weight: rfc.FormatWeight(b.Weight),
		Counted: b.Counted, CountsAs: string(b.CountsAs), WhyNot: b.WhyNot, Channel: string(b.Channel), CastAt: moment(b.At), URL: b.Where(round),
	}
}

func shapeAudit(e audit.Entry, logins map[int64]string) auditShape {
	shape := auditShape{
		Seq: e.Seq, At: moment(e.At), Kind: e.Kind, From: e.From, To: e.To, Reason: e.Why(), PolicyVersion: e.PolicyVersion, Hash: e.Hash, Chain: e.Chain,
	}
	if e.Actor != 0 {
		shape.Actor = &personShape{ID: e.Actor, Login: logins[e.Actor]}
	}
	return shape
}

// typeOf reads a type in any spelling; the API writes underscores.
func typeOf(text string) (config.Type, error) {
	if text == "" {
		return "", nil
	}
	return config.ParseType(text)
}
