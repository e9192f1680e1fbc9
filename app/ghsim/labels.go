package ghsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
)

// maxLabelName and maxLabelDescription are GitHub's limits in characters.
const (
	maxLabelName        = 50
	maxLabelDescription = 100
)

// label is a label of a repository.
type label struct {
	id          int64
	repository  *repository
	name        string
	color       string
	description string
}

func (v view) label(l *label) object {
	return object{
		"id": l.id, "node_id": nodeID("Label", l.id), "name": l.name, "color": l.color, "default": false,
		"description": optional(l.description),
		"url":         v.api + "/repos/" + l.repository.fullName() + "/labels/" + url.PathEscape(l.name),
	}
}

// labelNamed finds a label; GitHub does not mind the case.
func (r *repository) labelNamed(name string) *label {
	for _, l := range r.labels {
		if strings.EqualFold(l.name, name) {
			return l
		}
	}
	return nil
}

// newLabel makes a label after checking it.
func (s *Server) newLabel(r *repository, name, color, description string, by *account) (*label, error) {
	switch {
	case strings.TrimSpace(name) == "":
		return nil, invalid("Label", "name", "missing_field")
	case utf8.RuneCountInString(name) > maxLabelName:
		return nil, tooLong("Label", "name", maxLabelName)
	case utf8.RuneCountInString(description) > maxLabelDescription:
		return nil, tooLong("Label", "description", maxLabelDescription)
	case r.labelNamed(name) != nil:
		return nil, invalid("Label", "name", "already_exists")
	}
	if color == "" {
		color = "ededed"
	}
	if len(color) != 6 || strings.Trim(strings.ToLower(color), "0123456789abcdef") != "" {
		return nil, invalid("Label", "color", "invalid")
	}
	l := &label{id: s.id(), repository: r, name: name, color: color, description: description}
	r.labels = append(r.labels, l)
	s.emit(event{name: "label", action: "created", repository: r, sender: by, fields: object{"label": s.view().label(l)}})
	return l, nil
}

func (c *call) listLabels() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, r.labels), c.label))
}

func (c *call) getLabel() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	l := r.labelNamed(c.vars["name"])
	if l == nil {
		return reply{}, errNotFound
	}
	return ok(c.label(l))
}

func (c *call) postLabel() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionTriage); err != nil {
		return reply{}, err
	}
	var in struct{ Name, Color, Description string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	l, err := c.newLabel(r, in.Name, in.Color, in.Description, c.auth.account())
	if err != nil {
		return reply{}, err
	}
	return created(c.label(l))
}

func (c *call) patchLabel() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionTriage); err != nil {
		return reply{}, err
	}
	l := r.labelNamed(c.vars["name"])
	if l == nil {
		return reply{}, errNotFound
	}
	var in struct {
		NewName     *string `json:"new_name"`
		Name        *string
		Color       *string
		Description *string
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.NewName == nil {
		in.NewName = in.Name // older clients
	}
	changes := object{}
	set := func(field string, value *string, to *string) {
		if value != nil && *value != *to {
			changes[field] = object{"from": *to}
			*to = *value
		}
	}
	if in.NewName != nil {
		if other := r.labelNamed(*in.NewName); other != nil && other != l {
			return reply{}, invalid("Label", "name", "already_exists")
		}
		if utf8.RuneCountInString(*in.NewName) > maxLabelName {
			return reply{}, tooLong("Label", "name", maxLabelName)
		}
	}
	set("name", in.NewName, &l.name)
	set("color", in.Color, &l.color)
	set("description", in.Description, &l.description)
	c.emit(event{name: "label", action: "edited", repository: r, sender: c.auth.account(),
		fields: object{"label": c.Server.view().label(l), "changes": changes}})
	return ok(c.label(l))
}

func (c *call) deleteLabel() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionTriage); err != nil {
		return reply{}, err
	}
	l := r.labelNamed(c.vars["name"])
	if l == nil {
		return reply{}, errNotFound
	}
	r.labels = slices.DeleteFunc(r.labels, func(other *label) bool { return other == l })
	for _, i := range r.issues {
		i.labels = slices.DeleteFunc(i.labels, func(other *label) bool { return other == l })
	}
	c.emit(event{name: "label", action: "deleted", repository: r, sender: c.auth.account(), fields: object{"label": c.Server.view().label(l)}})
	return noContent()
}

// labelNames reads both forms GitHub takes: ["a"] and {"labels": ["a"]}.
func (c *call) labelNames() ([]string, error) {
	var list []string
	if json.Unmarshal(c.body, &list) == nil {
		return list, nil
	}
	var in struct{ Labels []string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return in.Labels, nil
}

func (c *call) listIssueLabels() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, i.labels), c.label))
}

func (c *call) addIssueLabels() (reply, error) {
	return c.changeIssueLabels(func(i *issue, names []string) error { return c.addLabels(i, names, c.auth.account()) })
}

func (c *call) setIssueLabels() (reply, error) {
	return c.changeIssueLabels(func(i *issue, names []string) error { return c.setLabels(i, names, c.auth.account()) })
}

func (c *call) clearIssueLabels() (reply, error) {
	if _, err := c.changeIssueLabels(func(i *issue, _ []string) error { return c.setLabels(i, nil, c.auth.account()) }); err != nil {
		return reply{}, err
	}
	return noContent()
}

func (c *call) changeIssueLabels(change func(*issue, []string) error) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(i.repository, app.PermissionTriage); err != nil {
		return reply{}, err
	}
	names, err := c.labelNames()
	if err != nil {
		return reply{}, err
	}
	if err := change(i, names); err != nil {
		return reply{}, err
	}
	return ok(render(i.labels, c.label))
}

func (c *call) deleteIssueLabel() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(i.repository, app.PermissionTriage); err != nil {
		return reply{}, err
	}
	l := i.labelNamed(c.vars["name"])
	if l == nil {
		return reply{}, &problem{status: http.StatusNotFound, message: "Label does not exist"}
	}
	c.removeLabel(i, l, c.auth.account())
	return ok(render(i.labels, c.label))
}

func (i *issue) labelNamed(name string) *label {
	for _, l := range i.labels {
		if strings.EqualFold(l.name, name) {
			return l
		}
	}
	return nil
}

// addLabels puts labels on an issue and tells about each.
func (s *Server) addLabels(i *issue, names []string, by *account) error {
	added, err := s.attachLabels(i, names, by)
	s.labeled(i, added, by)
	return err
}

// attachLabels puts labels on an issue in silence; one that the repository lacks
// is made. It returns those that are new on the issue.
func (s *Server) attachLabels(i *issue, names []string, by *account) ([]*label, error) {
	var added []*label
	for _, name := range names {
		if i.labelNamed(name) != nil {
			continue
		}
		l := i.repository.labelNamed(name)
		if l == nil {
			var err error
			if l, err = s.newLabel(i.repository, name, "", "", by); err != nil {
				return added, err
			}
		}
		i.labels, added = append(i.labels, l), append(added, l)
		i.updated = s.now()
	}
	return added, nil
}

func (s *Server) labeled(i *issue, added []*label, by *account) {
	for _, l := range added {
		s.happened(i, "labeled", by, object{"label": object{"name": l.name, "color": l.color}})
		s.issueEvent(i, "labeled", by, object{"label": s.view().label(l)})
	}
}

func (s *Server) removeLabel(i *issue, l *label, by *account) {
	i.labels = slices.DeleteFunc(i.labels, func(other *label) bool { return other == l })
	i.updated = s.now()
	s.happened(i, "unlabeled", by, object{"label": object{"name": l.name, "color": l.color}})
	s.issueEvent(i, "unlabeled", by, object{"label": s.view().label(l)})
}

func (s *Server) setLabels(i *issue, names []string, by *account) error {
	for _, l := range slices.Clone(i.labels) {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, l.name) }) {
			s.removeLabel(i, l, by)
		}
	}
	return s.addLabels(i, names, by)
}
