package archive

import (
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

// Format and Version name what a Writer writes. A reader refuses another version.
const (
	Format  = "agora-export"
	Version = 1
)

// The types of lines.
const (
	headerLine    = "header"
	communityLine = "community"
	entryLine     = "entry"
	withheldLine  = "withheld"
	policyLine    = "policy"
	rfcLine       = "rfc"
	roundLine     = "round"
	voterLine     = "voter"
	actLine       = "act"
	endLine       = "end"
)

type header struct {
	Type    string `json:"type"`
	Format  string `json:"format"`
	Version int    `json:"version"`
	Header
}

type section struct {
	Type string `json:"type"`
	Community
}

type entry struct {
	Type string `json:"type"`
	audit.Entry
}

// withheld is an entry of which nothing is told but that it has its place.
type withheld struct {
	Type  string `json:"type"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
	Chain string `json:"chain"`
}

type policy struct {
	Type       string `json:"type"`
	Repository int64  `json:"repository"`
	Policy
}

// request is an RFC, whose rounds follow it.
type request struct {
	Type       string    `json:"type"`
	ID         int64     `json:"id"`
	Community  int64     `json:"community"`
	Number     int       `json:"number"`
	State      rfc.State `json:"state"`
	Repository int64     `json:"repository"`
	Issue      int       `json:"issue"`
	RFC        rfc.RFC   `json:"rfc"`
}

// round is one vote, whose voters and acts follow it.
type round struct {
	Type   string    `json:"type"`
	Number int       `json:"number"`
	Round  rfc.Round `json:"round"`
}

type voter struct {
	Type       string `json:"type"`
	ID         int64  `json:"id"`
	Reputation int    `json:"reputation"`
	Weight     int64  `json:"weight"` // hundredths
	Regular    bool   `json:"regular"`
}

type act struct {
	Type    string      `json:"type"`
	ID      int64       `json:"id"`
	Voter   int64       `json:"voter"`
	Choice  rfc.Choice  `json:"choice"`
	Channel rfc.Channel `json:"channel"`
	Source  int64       `json:"source"`
	At      time.Time   `json:"at"`
	Seen    time.Time   `json:"seen"`
	URL     string      `json:"url,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Concern int         `json:"concern,omitempty"`
}

// end shows that nothing was cut off.
type end struct {
	Type  string `json:"type"`
	Lines int64  `json:"lines"` // before this one
}

// bare is a person by numeric id only.
func bare(u app.User) app.User { return app.User{ID: u.ID} }

// withoutPeople is an RFC as far as its decisions follow from it, and nothing that
// is remembered besides. People stand in it by numeric id only.
func withoutPeople(r rfc.RFC) rfc.RFC {
	concerns := make([]rfc.Concern, len(r.Concerns))
	for i, c := range r.Concerns {
		c.Raiser = bare(c.Raiser)
		overrules := make([]rfc.Overrule, len(c.Overrules))
		for j, o := range c.Overrules {
			o.By = bare(o.By)
			overrules[j] = o
		}
		c.Overrules = overrules
		concerns[i] = c
	}
	return rfc.RFC{
		Kind: r.Kind, Title: r.Title, Type: r.Type, Author: bare(r.Author), URL: r.URL, Text: r.Text, Registered: r.Registered,
		OpenedAt: r.OpenedAt, Round: r.Round, Concerns: concerns, DecidedAt: r.DecidedAt, Bound: r.Bound, PolicyVersion: r.PolicyVersion,
		Supersedes: r.Supersedes, SupersededBy: r.SupersededBy, ImplementedBy: r.ImplementedBy,
	}
}

func roundWithoutPeople(r rfc.Round) rfc.Round {
	extensions := make([]rfc.Extension, len(r.Extensions))
	for i, x := range r.Extensions {
		x.By = bare(x.By)
		extensions[i] = x
	}
	confirmations := make([]rfc.Confirmation, len(r.Confirmations))
	for i, c := range r.Confirmations {
		c.By = bare(c.By)
		confirmations[i] = c
	}
	r.Extensions, r.Confirmations, r.PolicyBroken = extensions, confirmations, "" // the latter may name some
	return r
}
