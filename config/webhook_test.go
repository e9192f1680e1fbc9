package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/agora-rfc/agora/config"
)

// signingSecret has 24 bytes, the fewest that are allowed, and says what must not be printed: hunter2.
const signingSecret = "whsec_aHVudGVyMiAgICAgICAgICAgICAgICAg"

func TestWebhooks(t *testing.T) {
	t.Parallel()
	got := load(t, file(t, `
webhooks:
  - name: slack
    community: acme
    url: https://hooks.example.org/services/T0/B0/hunter2
    types: [decision_made, voting_started]
  - {name: inner-2, community: Globex, private: true, allow: ["10.0.0.0/8", "fd00::/8"],
     url_file: `+file(t, "http://relay.example.org:8080/in?key=hunter2\n")+`, secret_file: `+file(t, signingSecret+"\n")+`}
`), credentials()).Webhooks
	want := []config.Webhook{
		{Name: "slack", Community: "acme", URL: "https://hooks.example.org/services/T0/B0/hunter2", Types: []string{"decision_made", "voting_started"}},
		{
			Name: "inner-2", Community: "Globex", Private: true, URL: "http://relay.example.org:8080/in?key=hunter2", Secret: signingSecret,
			Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if key, err := got[0].Key(); key != nil || err != nil {
		t.Errorf("the key of a webhook without a secret = %q, %v", key, err)
	}
	if key, err := got[1].Key(); string(key) != "hunter2                 " || err != nil {
		t.Errorf("the key = %q, %v", key, err)
	}
	if got := load(t, file(t, "webhooks:\n"), credentials()).Webhooks; len(got) != 0 {
		t.Errorf("an empty key gives webhooks: %v", got)
	}
}

// TestWrongWebhooksAreNamed changes one line of a good webhook. What may be secret contains "hunter2", which refused looks for.
func TestWrongWebhooksAreNamed(t *testing.T) {
	t.Parallel()
	missing := "/nonexistent/secret"
	for _, test := range []struct{ key, lines, says string }{
		{"webhooks[0].name", "", "missing"},
		{"webhooks[0].name", "name: Slack", "letters a-z"},
		{"webhooks[0].name", "name: a b", "letters a-z"},
		{"webhooks[0].name", "name: 7", "must be text"},
		{"webhooks[0].community", "", "missing"},
		{"webhooks[0].community", "community: acme/rfcs", "login"},
		{"webhooks[0].url", "", "missing"},
		{"webhooks[0].url", "url: hooks.example.org/hunter2", "https://"},
		{"webhooks[0].url", "url: file:///hunter2", "https://"},
		{"webhooks[0].url", "url: https:///hunter2", "https://"},
		{"webhooks[0].url", "url: 'https://example.org/%zzhunter2'", "https://"},
		{"webhooks[0].url", "url: ftp://hunter2@example.org", "https://"},
		{"webhooks[0].url", "url: https://example.org/\n    url_file: " + file(t, "https://example.org/hunter2"), "twice"},
		{"webhooks[0].url_file", "url_file: " + missing, missing},
		{"webhooks[0].url_file", "url_file: " + file(t, "hunter2"), "https://"},
		{"webhooks[0].secret", "secret: hunter2", "whsec_"},
		{"webhooks[0].secret", "secret: ''", "leave it out"},
		{"webhooks[0].secret", "secret: " + strings.TrimPrefix(signingSecret, "whsec_"), "whsec_"},
		{"webhooks[0].secret", "secret: whsec_aHVudGVyMiAgICAgICAgICAgICAgICA=", "24 to 64"},
		{"webhooks[0].secret", "secret: whsec_" + strings.Repeat("aHVudGVy", 11), "24 to 64"},
		{"webhooks[0].secret", "secret: whsec_hunter2!", "base64"},
		{"webhooks[0].secret_file", "secret_file: " + file(t, "whsec_hunter2"), "whsec_"},
		{"webhooks[0].types", "types: []", "leave it out for all"},
		{"webhooks[0].types[1]", "types: [rfc_opened, rfc_closed]", "rfc_opened, voting_started, decision_made, rfc_comment, voting_ended, partner or governance"},
		{"webhooks[0].types", "types: decision_made", "list"},
		{"webhooks[0].private", "private: sometimes", "true or false"},
		{"webhooks[0].allow[0]", "allow: [10.0.0.1]", "10.0.0.0/8"},
		{"webhooks[0].allow[0]", "allow: [10.0.0.1/8]", "write 10.0.0.0/8, or the single address with /32"},
		{"webhooks[0].allow[0]", `allow: ["::ffff:10.0.0.0/104"]`, "10.0.0.0/8"},
		{"webhooks[0].header", "header: hunter2", "unknown key"},
	} {
		lines := map[string]string{"name": "name: one", "community": "community: acme", "url": "url: https://example.org/hunter2"}
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(test.key, "webhooks[0]."), "_file"), "[0]")
		lines[name] = test.lines
		content := "webhooks:\n  -\n"
		for _, name := range []string{"name", "community", "url", name} {
			if lines[name] != "" {
				content += "    " + lines[name] + "\n"
			}
			delete(lines, name)
		}
		problems := refused(t, file(t, content), credentials())
		if got := problems.List[0]; len(problems.List) != 1 || got.Key != test.key || !strings.Contains(got.Message, test.says) || got.Line == 0 {
			t.Errorf("%s\ngot %v\nwant one problem of %s that says %q", content, problems, test.key, test.says)
		}
	}
}

func TestAllWebhookProblemsAtOnce(t *testing.T) {
	t.Parallel()
	text := refused(t, file(t, `listen: nowhere
webhooks:
  - name: one
    community: acme
    url: hunter2
  - name: one
    communitty: acme
    url: https://example.org/hunter2
    secret: hunter2
`), credentials()).Error()
	for _, want := range []string{
		"line 1: listen: ", "line 5: webhooks[0].url: ", "webhooks[1].name: another webhook has this name",
		"line 7: webhooks[1].communitty: unknown key", "webhooks[1].community: is missing", "line 9: webhooks[1].secret: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	refused(t, file(t, "webhooks: hunter2\n"), credentials())
	refused(t, file(t, "webhooks: [hunter2]\n"), credentials())
	refused(t, file(t, "webhooks:\n"+strings.Repeat("  - {name: a}\n", 60)), credentials())
}

func TestMailFrom(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, server, public, want string }{
		{"", "", "", "agora@localhost"},
		{"", "", "https://agora.example.org:8443/x", "agora@agora.example.org"},
		{"", "", "http://[::1]:8420", "agora@localhost"},
		{"", "smtp://mail?from=rfc@example.org", "https://agora.example.org", "rfc@example.org"},
		{"acme@example.org", "smtp://mail?from=rfc@example.org", "", "acme@example.org"},
		{"Agora, acme's <acme@example.org>", "", "", ""},
		{`"Agora, acme's" <acme@example.org>`, "", "", `"Agora, acme's" <acme@example.org>`},
	} {
		env := credentials().with("AGORA_MAIL_FROM", test.from, "AGORA_SMTP_URL", test.server, "AGORA_PUBLIC_URL", test.public)
		if test.want == "" {
			refused(t, "", env)
			continue
		}
		if got := load(t, "", env).MailFrom; got != test.want {
			t.Errorf("%+v: MailFrom = %q", test, got)
		}
	}
}
