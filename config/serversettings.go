package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// serverSettings lists the settings of a server, each bound to its place in s.
func serverSettings(s *Server) []setting {
	return []setting{
		{key: "github.web_url", env: "GITHUB_WEB_URL", set: gitHubAddress(&s.GitHub.WebURL)},
		{key: "github.v3_api_url", env: "GITHUB_V3_API_URL", set: webAddress(&s.GitHub.V3APIURL)},
		{key: "github.v4_api_url", env: "GITHUB_V4_API_URL", set: webAddress(&s.GitHub.V4APIURL)},
		{key: "github.app.integration_id", env: "GITHUB_APP_INTEGRATION_ID", set: integrationID(&s.GitHub.App.IntegrationID)},
		{key: "github.app.webhook_secret", env: "GITHUB_APP_WEBHOOK_SECRET", secret: true, set: secret(&s.GitHub.App.WebhookSecret)},
		{key: "github.app.private_key", env: "GITHUB_APP_PRIVATE_KEY", secret: true, set: privateKey(&s.GitHub.App.PrivateKey)},
		{key: "github.oauth.client_id", env: "GITHUB_OAUTH_CLIENT_ID", set: plain(&s.GitHub.OAuth.ClientID)},
		{key: "github.oauth.client_secret", env: "GITHUB_OAUTH_CLIENT_SECRET", secret: true, set: secret(&s.GitHub.OAuth.ClientSecret)},
		{key: "listen", env: "AGORA_LISTEN", set: listenAddress(&s.Listen)},
		{key: "public_url", env: "AGORA_PUBLIC_URL", set: webAddress(&s.PublicURL)},
		{key: "database_url", env: "AGORA_DATABASE_URL", secret: true, set: databaseURL(&s.DatabaseURL)},
		{key: "log_level", env: "AGORA_LOG_LEVEL", set: oneOf(&s.LogLevel, "trace", "debug", "info", "warn", "error")},
		{key: "log_format", env: "AGORA_LOG_FORMAT", set: oneOf(&s.LogFormat, LogJSON, LogConsole)},
		{key: "reaction_poll", env: "AGORA_REACTION_POLL", set: positivePeriod(&s.ReactionPoll)},
		{key: "smtp_url", env: "AGORA_SMTP_URL", secret: true, set: smtpURL(&s.SMTPURL)},
		{key: "mail_from", env: "AGORA_MAIL_FROM", set: mailAddress(&s.MailFrom)},
		{key: "keep_deliveries", env: "AGORA_KEEP_DELIVERIES", set: positivePeriod(&s.KeepDeliveries)},
	}
}

// checkCredentials says which of the App's credentials are missing, and how to get them.
func checkCredentials(s *Server, problems *Problems) {
	app := s.GitHub.App
	page := s.GitHub.WebURL + "/settings/apps (an organisation's: " + s.GitHub.WebURL + "/organizations/ORG/settings/apps)"
	missing := func(name, message string) {
		key := "github.app." + name
		mentioned := slices.ContainsFunc(problems.List, func(p Problem) bool { return strings.HasPrefix(p.Key, key) })
		if !mentioned { // a value that is there but wrong has its problem already
			variable := "GITHUB_APP_" + strings.ToUpper(name)
			problems.add(Problem{Key: key + " (" + variable + ")", Message: message})
		}
	}
	if app.IntegrationID == 0 {
		missing("integration_id", `is missing: it is the "App ID" on your App's page under `+page+
			`; with no App yet, "agora manifest" prints what to register there`)
	}
	if !app.WebhookSecret.IsSet() {
		missing("webhook_secret", `is missing or empty: choose a long random text, and enter it here and as "Webhook secret" on your App's page under `+
			page)
	}
	if !app.PrivateKey.IsSet() {
		missing("private_key", `is missing: "Generate a private key" on your App's page under `+page+
			` downloads a .pem file; name it in GITHUB_APP_PRIVATE_KEY_FILE`)
	}
}

// The setters. Each checks a value as it was written and keeps it; what may be secret is never repeated in an error.

func plain(target *string) func(string) error {
	return func(value string) error {
		*target = strings.TrimSpace(value)
		return nil
	}
}

func secret(target *Secret) func(string) error {
	return func(value string) error {
		value = strings.TrimSpace(value)
		if value == "null" {
			return errNull
		}
		*target = Secret(value)
		return nil
	}
}

// errNull is for what was read from a JSON document that does not have it.
var errNull = errors.New(`is "null", which jq prints for a field that is not there: look at the file it was read from`)

func oneOf[S ~string](target *S, allowed ...S) func(string) error {
	return func(value string) error {
		chosen := S(strings.ToLower(strings.TrimSpace(value)))
		if !slices.Contains(allowed, chosen) {
			return fmt.Errorf("%s is not known: use %s", quote(value), listed(allowed))
		}
		*target = chosen
		return nil
	}
}

func positivePeriod(target *Duration) func(string) error {
	return func(value string) error {
		d, err := ParseDuration(value)
		if err == nil {
			err = positive(d)
		}
		if err == nil {
			*target = d
		}
		return err
	}
}

func integrationID(target *int64) func(string) error {
	return func(value string) error {
		if strings.TrimSpace(value) == "null" {
			return errNull
		}
		id, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || id <= 0 {
			return errors.New(`must be the whole number that GitHub calls "App ID"`)
		}
		*target = id
		return nil
	}
}

func webAddress(target *string) func(string) error {
	return func(value string) error {
		u, err := url.Parse(strings.TrimSpace(value))
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
			u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("must be an address like https://agora.example.org, without user, query or fragment")
		}
		*target = u.String()
		return nil
	}
}

// gitHubAddress takes where GitHub's pages are: the addresses of its API follow from it.
func gitHubAddress(target *string) func(string) error {
	return func(value string) error {
		var address string
		if err := webAddress(&address)(value); err != nil {
			return err
		}
		u, err := url.Parse(address)
		if err != nil || strings.EqualFold(u.Hostname(), "api.github.com") || strings.HasPrefix(strings.ToLower(u.Path)+"/", "/api/") {
			return errors.New("must be the address of GitHub's pages, like https://github.com or https://github.example.org: those of the API, with /api/v3, follow from it")
		}
		*target = address
		return nil
	}
}

func listenAddress(target *string) func(string) error {
	return func(value string) error {
		address := strings.TrimSpace(value)
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("%s is not an address to listen on: write it like 127.0.0.1:8420 or :8420", quote(value))
		}
		*target = address
		return nil
	}
}

func databaseURL(target *Secret) func(string) error {
	return func(value string) error {
		address := strings.TrimSpace(value)
		if err := CheckDatabaseURL(address); err != nil {
			return err
		}
		*target = Secret(address)
		return nil
	}
}

func smtpURL(target *Secret) func(string) error {
	return func(value string) error {
		u, err := url.Parse(strings.TrimSpace(value))
		if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
			return errors.New("must be like smtps://user:password@mail.example.org:465")
		}
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return errors.New("has something behind its ? that cannot be read")
		}
		for name, values := range query {
			if name != "from" || len(values) != 1 {
				return errors.New("may have nothing behind its ? but one from=agora@example.org")
			}
			if err := mailAddress(new(string))(values[0]); err != nil {
				return errors.New("the address behind from= " + err.Error())
			}
		}
		*target = Secret(u.String())
		return nil
	}
}

func mailAddress(target *string) func(string) error {
	return func(value string) error {
		address, err := mail.ParseAddress(strings.TrimSpace(value))
		if err != nil {
			return errors.New("must be an e-mail address like agora@example.org, or Agora <agora@example.org>")
		}
		*target = address.Address
		if address.Name != "" {
			*target = address.String()
		}
		return nil
	}
}

// privateKey takes an RSA key in PEM. Where a variable cannot hold line breaks, they may be written \n.
func privateKey(target *Secret) func(string) error {
	return func(value string) error {
		if !strings.Contains(value, "\n") {
			value = strings.ReplaceAll(value, `\n`, "\n")
		}
		value = strings.TrimSpace(value)
		if value == "" {
			return nil
		}
		block, _ := pem.Decode([]byte(value))
		if block == nil {
			return errors.New("is not a PEM file: it must begin with -----BEGIN RSA PRIVATE KEY-----")
		}
		if !isRSAKey(block.Bytes) {
			return errors.New("is a PEM file, but holds no RSA private key that can be read")
		}
		*target = Secret(value + "\n")
		return nil
	}
}

// isRSAKey knows both encodings: the one GitHub hands out and the one tools convert it to.
func isRSAKey(der []byte) bool {
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return false
	}
	_, isRSA := key.(*rsa.PrivateKey)
	return isRSA
}
