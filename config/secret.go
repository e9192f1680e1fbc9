package config

import "fmt"

// redacted stands wherever a secret would have been printed.
const redacted = "[redacted]"

// Secret is a value that must not reach a log, an error, a metric or a page. However it is printed or encoded,
// it shows as "[redacted]", or as nothing when it is empty; only Reveal gives it away.
type Secret string

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// IsSet tells whether there is a secret.
func (s Secret) IsSet() bool { return s != "" }

// String is "[redacted]", or empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format prints String whatever the verb: a wrong verb would make fmt print the bare value.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(s.String())) }

// MarshalText is String, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
