package render

import (
	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

// Labels are all labels Agora makes when they are missing: people's label for RFCs
// under its default name (first, for a community that calls it otherwise), the
// types, and the states Agora keeps itself.
func (Renderer) Labels() []app.LabelSpec {
	labels := []app.LabelSpec{{Name: config.DefaultPolicy().Label, Color: "5319e7", Description: "A request for comments: Agora runs its discussion and vote"}}
	for _, t := range config.Types() {
		labels = append(labels, app.LabelSpec{Name: t.Label(), Color: "c5def5", Description: "RFC type: " + t.Title()})
	}
	for _, s := range rfc.States {
		look := stateLooks[s]
		labels = append(labels, app.LabelSpec{Name: s.Label(), Color: look.color, Description: look.description})
	}
	return labels
}

// stateLooks are the colour and description of each state's label. GitHub takes
// at most 100 characters.
var stateLooks = map[rfc.State]struct{ color, description string }{
	rfc.Draft:            {"d4d4d4", "Not yet open for comment (kept by Agora)"},
	rfc.Open:             {"1d76db", "Being discussed; voting follows (kept by Agora)"},
	rfc.Voting:           {"fbca04", "Voting is open (kept by Agora)"},
	rfc.Accepted:         {"0e8a16", "Accepted by vote (kept by Agora)"},
	rfc.Rejected:         {"b60205", "Rejected by vote (kept by Agora)"},
	rfc.Postponed:        {"bfdadc", "No quorum (kept by Agora)"},
	rfc.ChangesRequested: {"d93f0b", "Changes are needed before another vote (kept by Agora)"},
	rfc.Withdrawn:        {"cccccc", "Withdrawn before a decision (kept by Agora)"},
	rfc.Superseded:       {"8a8a8a", "Replaced by a newer RFC (kept by Agora)"},
	rfc.Implemented:      {"006b75", "Accepted and implemented (kept by Agora)"},
}
