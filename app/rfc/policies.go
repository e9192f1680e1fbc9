package rfc

import (
	"encoding/json"
	"reflect"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/config"
)

// Policies are all policies there ever were, by version, as the trail has them.
type Policies map[string]config.Policy

// Take remembers the policy of an entry that tells of one.
func (p Policies) Take(e audit.Entry) {
	var policy config.Policy
	if e.Kind == "policy" && json.Unmarshal(e.Inputs, &policy) == nil {
		p[e.To] = policy
	}
}

// Verify says how a policy differs from the one the trail has of its version; ""
// when it does not. The version of one that this trail does not have, because its
// repository came from another community, names its content itself.
func (p Policies) Verify(policy config.Policy, version string) string {
	noted, known := p[version]
	if known && !sameJSON(noted, policy) || !known && policy.Version() != version {
		return "its rules are not those of version " + version
	}
	return ""
}

// sameJSON compares what is kept as JSON, whatever a newer program adds to it.
func sameJSON(a, b any) bool {
	var trees [2]any
	for i, value := range []any{a, b} {
		if err := json.Unmarshal(audit.Inputs(value), &trees[i]); err != nil {
			return false
		}
	}
	return reflect.DeepEqual(trees[0], trees[1])
}
