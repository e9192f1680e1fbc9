package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Steward names a team ("@acme/stewards") or a person ("maya") in a policy.
type Steward struct {
	// Organisation and Team name a team of GitHub by login and slug; both are empty for a person.
	Organisation, Team string
	// Login names a person, empty for a team.
	Login string
}

// The shapes GitHub allows; enterprise-managed logins have an underscore. Bounded lengths keep hostile names out of requests.
var (
	loginPattern = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$`)
	teamPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
)

// ParseSteward reads "@acme/stewards", "acme/stewards", "@maya" or "maya".
func ParseSteward(text string) (Steward, error) {
	name := strings.TrimPrefix(strings.TrimSpace(text), "@")
	organisation, team, isTeam := strings.Cut(name, "/")
	switch {
	case isTeam && loginPattern.MatchString(organisation) && teamPattern.MatchString(team):
		return Steward{Organisation: organisation, Team: team}, nil
	case !isTeam && loginPattern.MatchString(name):
		return Steward{Login: name}, nil
	}
	return Steward{}, fmt.Errorf(`%s names neither a team like "@acme/stewards" nor a person like "maya"`, quote(text))
}

// IsTeam tells whether s names a team.
func (s Steward) IsTeam() bool { return s.Team != "" }

// String is "@acme/stewards" for a team, "@maya" for a person.
func (s Steward) String() string {
	if s.IsTeam() {
		return "@" + s.Organisation + "/" + s.Team
	}
	return "@" + s.Login
}

// MarshalText writes s as String does.
func (s Steward) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSteward reads.
func (s *Steward) UnmarshalText(text []byte) error {
	parsed, err := ParseSteward(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
