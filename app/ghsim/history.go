package ghsim

import "time"

// happening is one entry of an issue's event list.
type happening struct {
	id     int64
	event  string
	actor  *account
	at     time.Time
	fields object
}

// happened writes an entry into the issue's event list.
func (s *Server) happened(i *issue, name string, by *account, fields object) {
	i.history = append(i.history, &happening{id: s.id(), event: name, actor: by, at: s.now(), fields: fields})
}

func (v view) happening(i *issue, h *happening) object {
	return with(object{
		"id": h.id, "node_id": nodeID("IssueEvent", h.id), "event": h.event, "actor": v.user(h.actor), "created_at": stamp(h.at),
		"url":       v.api + "/repos/" + i.repository.fullName() + "/issues/events/" + itoa(h.id),
		"commit_id": nil, "commit_url": nil, "performed_via_github_app": nil,
	}, h.fields)
}

func (c *call) listIssueEvents() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	all := seen(c.Server, i.history, func(h *happening) time.Time { return h.at })
	return ok(render(page(c, all), func(h *happening) object { return c.happening(i, h) }))
}

// listRepositoryEvents lists the events of all issues, newest first.
func (c *call) listRepositoryEvents() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	type entry struct {
		i *issue
		h *happening
	}
	var all []entry
	for _, i := range r.sorted() {
		for _, h := range i.history {
			all = append(all, entry{i, h})
		}
	}
	sortNewest(all, func(e entry) int64 { return e.h.id })
	return ok(render(page(c, all), func(e entry) object {
		return with(c.happening(e.i, e.h), object{"issue": c.view.issue(e.i)})
	}))
}
