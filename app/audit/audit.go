// Package audit holds the words of the append-only trail: what was decided, by
// whom, when, why and under which policy version (RULES §2 "Every move is an
// entry"). People stand in it by numeric id only, and their words beside it, so that a
// member who leaves leaves no personal data behind.
package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Entry is one line of a community's trail. It is there as soon as what it tells
// of is; its place in the chain is given a moment later, when it is sealed.
type Entry struct {
	// ID is the entry's number in the store, whatever its community. Trails are
	// paged by it.
	ID int64 `json:"-"`
	// Seq is the place in the community's chain, from 1; 0 until it is sealed.
	Seq       int64     `json:"seq,omitempty"`
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
	// Said names the words that a person gave for it, beside Reason, without holding
	// them: the digest of Salt and Words.
	Said string `json:"said,omitempty"`
	// Words are a person's own, and Salt keeps them from being guessed by their digest.
	// Both stand beside what is hashed, and go when the person leaves.
	Words string `json:"words,omitempty"`
	Salt  string `json:"salt,omitempty"`
	// Hash is the entry's own hash: see Digest.
	Hash string `json:"hash,omitempty"`
	// Chain is the hash of the chain up to and with this entry; "" until it is sealed.
	Chain string `json:"chain,omitempty"`
}

// Digest computes the entry's hash from its content, whatever its place in the
// chain: it is the same before the entry is sealed and after.
func (e Entry) Digest() string {
	e.Seq, e.Words, e.Salt, e.Hash, e.Chain = 0, "", "", "", ""
	e.At = e.At.UTC().Truncate(time.Microsecond)
	content, err := json.Marshal(e)
	if err != nil { // every field marshals; Inputs that are no JSON are hashed as text
		content = fmt.Appendf(nil, "%+v", e)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Spoken is the entry with words under a salt, which none had before.
func (e Entry) Spoken(words string) Entry {
	e.Words, e.Salt, e.Said = words, "", ""
	if words != "" {
		e.Salt = rand.Text()
		e.Said = e.saying()
	}
	return e
}

func (e Entry) saying() string {
	sum := sha256.Sum256([]byte(e.Salt + "\n" + e.Words))
	return hex.EncodeToString(sum[:])
}

// Why is the reason for people, with the words or that they were erased.
func (e Entry) Why() string {
	words := e.Words
	if words == "" && e.Said != "" {
		words = Erased
	}
	if e.Reason == "" || words == "" {
		return e.Reason + words
	}
	return e.Reason + ": " + words
}

// Erased stands where the words of a person stood who left.
const Erased = "(erased)"

// Name is what the entry is called: "entry 5", or by its instant until it is sealed.
func (e Entry) Name() string {
	if e.Seq > 0 {
		return fmt.Sprintf("entry %d", e.Seq)
	}
	return fmt.Sprintf("the unsealed entry %q of %s at %s", e.Kind, e.Subject, e.At.UTC().Format(time.RFC3339Nano))
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
