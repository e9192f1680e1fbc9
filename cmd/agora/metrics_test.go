package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Every metric that the dashboard, the alerts and the runbook name is served by a
// server that has seen an RFC decided.
func TestTheMetricsThatAreDocumentedAreServed(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	_, ballot := openVote(t, ctx, s)
	react(t, s, "lee", ballot, "+1")
	jump(t, ctx, s, 10*day)
	out := metricsOf(t, ctx, s)
	served := map[string]bool{}
	for _, name := range regexp.MustCompile(`(?m)^(agora_[a-z0-9_]+)`).FindAllString(out, -1) {
		served[name] = true
	}
	for _, want := range []string{
		`agora_deliveries_total{event="issue_comment",outcome="accepted"}`, `agora_effect_attempts_total{effect="comments",outcome="done"}`,
		`agora_rfcs{state=`, `agora_github_rate_remaining{resource="core"}`, `agora_lanes{state="ready"}`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}

	named := regexp.MustCompile(`\bagora_[a-z0-9_]+`)
	documented := map[string]bool{}
	for _, file := range []string{"examples/grafana-dashboard.json", "examples/alerts.yml", "docs/operations.md"} {
		text, err := os.ReadFile("../../" + file)
		must(t, err)
		names := named.FindAllString(string(text), -1)
		if len(names) < 8 {
			t.Errorf("%s names only %d metrics", file, len(names))
		}
		for _, name := range names {
			documented[name] = true
			if !served[name] && !served[name+"_count"] {
				t.Errorf("%s names %s, which is not served", file, name)
			}
		}
	}
	// And the other way round: none is served that nobody hears of.
	for name := range served {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !documented[name] && !documented[base] && !documented[base+"_bucket"] {
			t.Errorf("%s is served and not documented", name)
		}
	}
}

func TestTheDashboardAndTheAlertsCanBeRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/grafana-dashboard.json")
	must(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	must(t, json.Unmarshal(text, &dashboard))
	if len(dashboard.Panels) < 10 {
		t.Errorf("the dashboard has %d panels", len(dashboard.Panels))
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 || slices.ContainsFunc(p.Targets, func(x struct{ Expr string }) bool { return !balanced(x.Expr) }) {
			t.Errorf("panel %q asks nothing, or something broken", p.Title)
		}
	}
	text, err = os.ReadFile("../../examples/alerts.yml")
	must(t, err)
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	must(t, yaml.Unmarshal(text, &alerts))
	runbook, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	for _, r := range alerts.Groups[0].Rules {
		if !balanced(r.Expr) {
			t.Errorf("%s: %s", r.Alert, r.Expr)
		}
		if !strings.Contains(string(runbook), "`"+r.Alert+"`") {
			t.Errorf("the runbook does not say what to do about %s", r.Alert)
		}
	}
}

// balanced reports whether an expression's brackets close.
func balanced(expr string) bool {
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			return false
		}
	}
	return expr != ""
}
