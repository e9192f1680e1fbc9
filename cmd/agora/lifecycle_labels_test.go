package main

import (
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/rfc"
)

func TestOwnLabelsChangedByOthersComeBack(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Labels", "Text.", "rfc")
	s.ok(s.sim.As("lee").RemoveLabel(rfcs, number, "rfc/open-for-comment"))
	s.is(number, rfc.Open)
	s.ok(s.sim.As("lee").AddLabels(rfcs, number, "rfc/accepted"))
	s.is(number, rfc.Open)
	s.ok(s.sim.As("maya").RenameLabel(rfcs, "rfc/open-for-comment", "something-else"))
	s.is(number, rfc.Open)
	s.ok(s.sim.As("maya").DeleteLabel(rfcs, "rfc/open-for-comment"))
	s.is(number, rfc.Open)
	s.ok(s.sim.As("maya").DeleteLabel(rfcs, "rfc-type/roadmap"))
	s.settle()
	for _, l := range s.sim.RepositoryLabels(rfcs) {
		if strings.HasPrefix(l.Name, "rfc/") && (l.Description == "" || l.Color == "" || l.Color == "ededed") {
			t.Errorf("the label %s has no colour or description of ours", l.Name)
		}
	}
	var made []string
	for _, l := range s.sim.RepositoryLabels(rfcs) {
		made = append(made, l.Name)
	}
	for _, want := range []string{"rfc", "rfc-type/roadmap", "rfc-type/capability-proposal", "rfc-type/standard", "rfc-type/policy-change", "rfc-type/breaking-change",
		"rfc/draft", "rfc/open-for-comment", "rfc/voting", "rfc/accepted", "rfc/rejected", "rfc/postponed", "rfc/changes-requested", "rfc/withdrawn", "rfc/superseded", "rfc/implemented"} {
		if !strings.Contains("\n"+strings.Join(made, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("the label %s was not made", want)
		}
	}
}

func TestTheTypeByLabelFormOrFrontMatter(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.issue("kim", "None given", "Text.", "rfc")
	s.issue("kim", "By its form", "### Type\n\nroadmap\n\n### Summary\n\nText.", "rfc")
	s.issue("kim", "By front matter", "---\ntype: breaking_change\n---\n\nText.", "rfc")
	labelled := s.issue("kim", "The label wins", "### Type\n\nroadmap\n", "rfc", "rfc-type/standard")
	for n, want := range []string{"capability_proposal", "roadmap", "breaking_change", "standard"} {
		if got := s.rfc(n + 1).Type; got != want {
			t.Errorf("RFC-%d is a %s, want %s", n+1, got, want)
		}
	}
	s.ok(s.sim.As("lee").RemoveLabel(rfcs, labelled, "rfc-type/standard"))
	if got := s.rfc(4).Type; got != "roadmap" {
		t.Errorf("without its label RFC-4 is a %s, want roadmap", got)
	}
	for _, more := range []string{"rfc-type/policy-change", "rfc-type/roadmap"} { // who adds a lax one gains nothing
		s.ok(s.sim.As("lee").AddLabels(rfcs, labelled, more))
		if got := s.rfc(4).Type; got != "policy_change" {
			t.Errorf("with %s too RFC-4 is a %s, want policy_change", more, got)
		}
	}
	s.ok(s.sim.As("lee").RemoveLabel(rfcs, labelled, "rfc-type/roadmap"))
	s.ok(s.sim.As("lee").AddLabels(rfcs, labelled, "rfc-type/capability-proposal"))
	if got := s.rfc(4).Type; got != "policy_change" {
		t.Errorf("with a capability proposal's label too RFC-4 is a %s, want policy_change", got)
	}
	s.done("maya", labelled, "/rfc vote")
	s.ok(s.sim.As("lee").RemoveLabel(rfcs, labelled, "rfc-type/policy-change"))
	if r := s.rfc(4); r.Type != "policy_change" || r.Deadline.Sub(r.VotingOpenedAt) != 14*day {
		t.Errorf("a type changed while voting: %s with %s", r.Type, r.Deadline.Sub(r.VotingOpenedAt))
	}
	s.over(7 * day)
	if got := s.sim.Labels(rfcs, 2); !strings.Contains(strings.Join(got, " "), "rfc/voting") {
		t.Errorf("a roadmap is discussed for 7 days, and wears %v after them", got)
	}
}

func TestTheTypeOfAnRFCThatNamesNoneIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.configure(rfcs, "version: 1\nrfc: { default_type: roadmap }\n")
	s.issue("kim", "None given", "Text.", "rfc")
	s.issue("kim", "One given", "---\ntype: standard\n---\n\nText.", "rfc")
	if got := s.rfc(1).Type + " " + s.rfc(2).Type; got != "roadmap standard" {
		t.Errorf("the types are %s, want roadmap standard", got)
	}
}
