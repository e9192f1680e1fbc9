package ghsim

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// event is something that webhooks tell about.
type event struct {
	name         string
	action       string
	repository   *repository // or
	organization *account    // of events that belong to no repository
	sender       *account
	fields       object
}

// emit sends the event to every App that is installed there and listens.
func (s *Server) emit(e event) {
	for _, n := range s.installations {
		switch {
		case n.deleted || n.suspended || !slices.Contains(n.app.events, e.name) || !s.sender.listens(n.app):
		case e.repository != nil && !n.covers(e.repository):
		case e.repository == nil && n.account != e.organization:
		default:
			s.sendEvent(n, e, object{"id": n.id, "node_id": nodeID("IntegrationInstallation", n.id)})
		}
	}
}

// sendEvent completes the payload for one installation and queues it.
func (s *Server) sendEvent(n *installation, e event, shown object) {
	v := s.view()
	payload := with(e.fields, object{"installation": shown, "sender": v.user(e.sender)})
	if e.action != "" {
		payload["action"] = e.action
	}
	organization := e.organization
	var repositoryID int64
	if e.repository != nil {
		organization, repositoryID = e.repository.owner, e.repository.id
		if payload["repository"] == nil {
			payload["repository"] = v.repository(e.repository)
		}
	}
	if organization != nil && organization.kind == kindOrganization {
		payload["organization"] = v.organizationSimple(organization)
	}
	body, err := marshal(payload)
	if err != nil {
		s.options.Logf("rendering a webhook: %v", err)
		return
	}
	s.sender.enqueue(&delivery{app: n.app, Delivery: Delivery{
		GUID: uuid.NewString(), Event: e.name, Action: e.action, InstallationID: n.id, RepositoryID: repositoryID, Payload: body,
	}})
}

// installationEvent tells the App itself about its installation.
func (s *Server) installationEvent(n *installation, name, action string, by *account, fields object) {
	if !s.sender.listens(n.app) {
		return
	}
	s.sendEvent(n, event{name: name, action: action, sender: by, fields: fields}, s.view().installation(n))
}

// installedRepository is the short form that installation events use.
func installedRepository(r *repository) object {
	return object{"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": r.private}
}

// deliveryItem is one line of the list of deliveries.
func deliveryItem(d Delivery) object {
	o := object{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.DeliveredAt), "redelivery": d.Redelivery,
		"duration": d.Duration.Seconds(), "status": d.Status, "status_code": d.StatusCode, "event": d.Event,
		"action": optional(d.Action), "installation_id": nil, "repository_id": nil, "throttled_at": nil,
	}
	if d.InstallationID != 0 {
		o["installation_id"] = d.InstallationID
	}
	if d.RepositoryID != 0 {
		o["repository_id"] = d.RepositoryID
	}
	return o
}

func deliveryWhole(d Delivery) object {
	headers := func(from map[string][]string) object {
		o := object{}
		for name, values := range from {
			o[name] = strings.Join(values, ", ")
		}
		return o
	}
	o := deliveryItem(d)
	o["url"] = d.URL
	o["request"] = object{"headers": headers(d.RequestHeader), "payload": json.RawMessage(d.Payload)}
	o["response"] = object{"headers": headers(d.ResponseHeader), "payload": optional(d.ResponseBody)}
	return o
}
