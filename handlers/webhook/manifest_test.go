package webhook_test

import (
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora"
)

// The App's manifest asks GitHub for exactly the events that handlers take; those
// that GitHub sends to every App cannot be asked for.
func TestTheManifestAsksForTheEventsThatAreHandled(t *testing.T) {
	t.Parallel()
	var manifest struct {
		Events []string `yaml:"default_events"`
	}
	if err := yaml.Unmarshal(agora.AppManifest, &manifest); err != nil {
		t.Fatal(err)
	}
	handled := slices.DeleteFunc(newIntake(t).hooks.Events(), func(event string) bool {
		return event == "installation" || event == "installation_repositories" || event == "installation_target"
	})
	slices.Sort(handled)
	slices.Sort(manifest.Events)
	if diff := cmp.Diff(handled, manifest.Events); diff != "" {
		t.Errorf("handlers (-) and app.yml (+) differ:\n%s", diff)
	}
	if n := len(newIntake(t).hooks.Events()); n != len(handled)+3 {
		t.Errorf("of %d events that are handled, %d are in app.yml; all but three should be", n, len(handled))
	}
}

// Each event needs a permission, or GitHub does not send it: an App that lacks one
// would miss votes without a word.
func TestTheManifestAsksForThePermissionsOfItsEvents(t *testing.T) {
	t.Parallel()
	var manifest struct {
		Events      []string          `yaml:"default_events"`
		Permissions map[string]string `yaml:"default_permissions"`
	}
	if err := yaml.Unmarshal(agora.AppManifest, &manifest); err != nil {
		t.Fatal(err)
	}
	needs := map[string]string{
		"issues": "issues", "issue_comment": "issues", "label": "metadata", "pull_request": "pull_requests", "pull_request_review": "pull_requests",
		"push": "contents", "repository": "metadata", "check_run": "checks", "check_suite": "checks", "merge_group": "merge_queues",
		"org_block": "organization_administration", "member": "members", "membership": "members", "team": "members",
	}
	for _, event := range manifest.Events {
		if needs[event] == "" {
			t.Errorf("no permission is known for %s", event)
		} else if manifest.Permissions[needs[event]] == "" {
			t.Errorf("%s needs the permission %s", event, needs[event])
		}
	}
}
