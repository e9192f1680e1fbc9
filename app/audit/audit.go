// Package audit holds the words of the append-only trail: what was decided, by
// whom, when, why and under which policy version (RULES §2 "Every move is an
// entry"). People stand in it by numeric id only, so that a member who leaves
// leaves no personal data behind.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Entry is one line of a community's trail.
type Entry struct {
	// Seq is the place in the community's trail, given when the entry is stored.
	Seq       int64     `json:"seq"`
	Community int64     `json:"community"`
	Subject   string    `json:"subject"` // "rfc/7", "member/42", "repository/9"
	At        time.Time `json:"at"`
	// Actor is GitHub's numeric user id, 0 for Agora itself.
	Actor         int64  `json:"actor"`
	Kind          string `json:"kind"` // "state", "round-opened", "ballot", "concern", "policy", …
	From          string `json:"from,omitempty"`
	To            string `json:"to,omitempty"`
	Reason        string `json:"reason,omitempty"`
	PolicyVersion string `json:"policy_version,omitempty"`
	// Inputs are the numbers and hashes the decision was made from, as JSON.
	Inputs json.RawMessage `json:"inputs,omitempty"`
	// Hash is the entry's own hash; it covers every field but itself.
	Hash string `json:"hash"`
}

// Digest computes the entry's hash from its content.
func (e Entry) Digest() string {
	e.Hash = ""
	e.At = e.At.UTC().Truncate(time.Microsecond)
	content, err := json.Marshal(e)
	if err != nil { // every field marshals; Inputs that are no JSON are hashed as text
		content = fmt.Appendf(nil, "%+v", e)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Inputs marshals the numbers behind a decision; a value that cannot be marshalled
// is a programming error and is named in the trail.
func Inputs(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		data, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return data
}
