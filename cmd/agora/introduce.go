package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

// introduce asks GitHub once who the App is, and says in the log that it answers, or what
// about the App is wrong: everything else would say so vaguely, and only when it is used.
func (a *application) introduce(ctx context.Context, github string) {
	own, err := a.github.AppDetails(ctx)
	switch {
	case ctx.Err() != nil:
	case app.Is(err, app.CodeForbidden), app.Is(err, app.CodeNotFound):
		a.logger.Error().Err(err).Str("github", github).Msg("GitHub does not know Agora: the private key (GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE) " +
			"does not belong to the App with this id (GITHUB_APP_INTEGRATION_ID), or this machine's clock is wrong")
	case err != nil:
		a.logger.Warn().Err(err).Str("github", github).Msg("GitHub could not be asked who the App is; what needs GitHub is tried again")
	default:
		a.logger.Info().Str("app", own.Slug).Str("github", github).Int("installations", own.Installations).Msg("connected to GitHub")
		a.warnOfLacks(own)
	}
}

// warnOfLacks names the permissions and events of app.yml that the App does not have.
func (a *application) warnOfLacks(own ghclient.AppDetails) {
	want, err := manifest("", "")
	if err != nil {
		a.logger.Error().Err(err).Msg("comparing the App with its manifest")
		return
	}
	permissions, events := lacking(want, own)
	if len(permissions)+len(events) > 0 {
		a.logger.Warn().Strs("permissions", permissions).Strs("events", events).Msg("the App on GitHub lacks what app.yml asks for: add it on the App's page, " +
			"and let each account that has it installed accept that; what does not work without it, the README says under \"Permissions and why\"")
	}
}

// lacking lists what an App lacks of its manifest. What GitHub says nothing of is not
// missed.
func lacking(want appManifest, own ghclient.AppDetails) (permissions, events []string) {
	access := map[string]int{"read": 1, "write": 2, "admin": 3}
	for _, name := range slices.Sorted(maps.Keys(want.Permissions)) {
		if level := want.Permissions[name]; own.Permissions != nil && access[own.Permissions[name]] < access[level] {
			permissions = append(permissions, fmt.Sprintf("%s: %s", name, level))
		}
	}
	for _, event := range want.Events {
		if own.Events != nil && !slices.Contains(own.Events, event) {
			events = append(events, event)
		}
	}
	return permissions, events
}
