package config

import (
	"errors"
	"net/url"
	"strings"
)

// The errors repeat nothing of the address: where it was written wrongly, any part of it may be a part of the password.
var (
	errDatabaseURL      = errors.New("must be like sqlite://agora-data/agora.db or postgres://user@host/agora")
	errDatabasePassword = errors.New("is a postgres:// address that cannot be read without doubt: " +
		"write @ in a password as %40, / as %2F, # as %23, ? as %3F, [ as %5B, ] as %5D and % as %25")
)

// CheckDatabaseURL refuses what is no sqlite://PATH or postgres://… address, and one in which a password that was not
// escaped would be taken for another part, such as the host, which errors name. It repeats nothing of the address.
func CheckDatabaseURL(address string) error {
	if path, isFile := strings.CutPrefix(address, "sqlite://"); isFile {
		if path == "" {
			return errDatabaseURL
		}
		return nil
	}
	rest, isServer := strings.CutPrefix(address, "postgres://")
	if !isServer {
		rest, isServer = strings.CutPrefix(address, "postgresql://")
	}
	if !isServer || rest == "" {
		return errDatabaseURL
	}
	// There is one @ at most, and it ends the user and password, before what / ? and # begin.
	if strings.Contains(rest, "#") || strings.Count(rest, "@") > 1 {
		return errDatabasePassword
	}
	authority, credentials := rest, strings.Contains(rest, "@")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	if credentials && !strings.Contains(authority, "@") {
		return errDatabasePassword
	}
	u, err := url.Parse(address)
	switch {
	case err != nil && credentials:
		return errDatabasePassword
	case err != nil, u.Host == "" && u.RawQuery == "":
		return errDatabaseURL
	}
	return nil
}

// NameDatabase is a database's address as it may be shown: without user, password and what stands behind a ?.
func NameDatabase(address Secret) string {
	if strings.HasPrefix(address.Reveal(), "sqlite://") {
		return address.Reveal()
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || CheckDatabaseURL(address.Reveal()) != nil {
		return "postgres://"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
