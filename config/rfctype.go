package config

import (
	"fmt"
	"slices"
	"strings"
)

// Type is the type of an RFC (RULES §2); its rules are in Policy.Types. It is spelled with underscores in files and in the database.
type Type string

// The types of RFCs. CapabilityProposal is the one an RFC has when it names none.
const (
	Roadmap            Type = "roadmap"
	CapabilityProposal Type = "capability_proposal"
	Standard           Type = "standard"
	PolicyChange       Type = "policy_change"
	BreakingChange     Type = "breaking_change"
)

// TypeLabelPrefix begins the label that gives an RFC its type.
const TypeLabelPrefix = "rfc-type/"

// Types are all types of RFCs, in the order of RULES §2: each asks for at least as much
// as those before it.
func Types() []Type {
	return []Type{Roadmap, CapabilityProposal, Standard, PolicyChange, BreakingChange}
}

// ParseType reads a type in any spelling people use: "capability_proposal", "capability-proposal", "Capability proposal",
// or the label "rfc-type/capability-proposal".
func ParseType(text string) (Type, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	s = strings.TrimPrefix(s, TypeLabelPrefix)
	t := Type(strings.NewReplacer("-", "_", " ", "_").Replace(s))
	if !slices.Contains(Types(), t) {
		return "", fmt.Errorf("%s is not a type of RFC: use %s", quote(text), listed(Types()))
	}
	return t, nil
}

// Label is the GitHub label of the type: "rfc-type/capability-proposal".
func (t Type) Label() string { return TypeLabelPrefix + strings.ReplaceAll(string(t), "_", "-") }

// Title is the type as people read it: "Capability proposal".
func (t Type) Title() string {
	s := strings.ReplaceAll(string(t), "_", " ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// listed joins words for an error: "a, b or c".
func listed[S ~string](words []S) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}
