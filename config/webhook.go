package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxWebhooks bounds the list of webhooks.
const maxWebhooks = 50

// NotificationTypes are the types of notifications (RULES §3), as people write them. A new slice each time.
func NotificationTypes() []string {
	return []string{"rfc_opened", "voting_started", "decision_made", "rfc_comment", "voting_ended", "partner", "governance"}
}

// Webhook is an address to which a community's notifications are posted.
type Webhook struct {
	// Name is unique, for logs and metrics.
	Name string
	// Community is the login of the account whose notifications it gets.
	Community string
	// URL is http:// or https://. It is a secret: for some receivers, such as Slack, knowing it is the right to post.
	URL Secret
	// Secret is whsec_ and the key of the signature in base64; empty for receivers that verify none.
	Secret Secret
	// Types are those of NotificationTypes that it gets; all when empty.
	Types []string
	// Private tells whether it also gets what is from private repositories.
	Private bool
	// Allow are addresses that it may reach although they are not on the internet.
	Allow []netip.Prefix
}

// Key is the key of the signature, nil without a Secret. The error does not repeat the secret.
func (w Webhook) Key() ([]byte, error) {
	if !w.Secret.IsSet() {
		return nil, nil
	}
	const least, most = 24, 64 // bytes, as Standard Webhooks say
	encoded, marked := strings.CutPrefix(w.Secret.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !marked || err != nil || len(key) < least || len(key) > most {
		return nil, fmt.Errorf("must be whsec_ and the base64 of %d to %d random bytes; `openssl rand -base64 32` makes 32", least, most)
	}
	return key, nil
}

var webhookName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// webhookList reads the list of webhooks.
func webhookList(target *[]Webhook) field {
	names := map[string]bool{}
	return func(r *yamlReader, key string, value ast.Node) {
		if _, empty := value.(*ast.NullNode); !empty {
			list(target, maxWebhooks, func(w *Webhook) field { return webhook(w, names) })(r, key, value)
		}
	}
}

// webhook reads one of them, whose name must not be among names.
func webhook(w *Webhook, names map[string]bool) field {
	keys := object{
		"name":        text(&w.Name, matching(webhookName, "must be of the letters a-z, digits and hyphens, at most 40")),
		"community":   text(&w.Community, matching(loginPattern, "must be the login of an organisation or a user on GitHub")),
		"url":         inlineSecret(webhookURL(&w.URL)),
		"url_file":    secretFile(webhookURL(&w.URL)),
		"secret":      inlineSecret(webhookSecret(w)),
		"secret_file": secretFile(webhookSecret(w)),
		"types":       webhookTypes(&w.Types),
		"private":     flag(&w.Private),
		"allow":       list(&w.Allow, 20, func(p *netip.Prefix) field { return text(p, prefix) }),
	}
	return func(r *yamlReader, key string, value ast.Node) {
		seen := keys.read(r, key, value)
		if seen == nil {
			return
		}
		require := func(name, message string) {
			if !seen[name] && !seen[name+"_file"] {
				r.at(value, join(key, name), "is missing: "+message)
			}
		}
		require("name", "it is how logs and metrics call this webhook")
		require("community", "the login of the account whose notifications it gets")
		require("url", "the address to post to; or url_file, a file that holds it")
		for _, name := range []string{"url", "secret"} {
			if seen[name] && seen[name+"_file"] {
				r.at(value, join(key, name), "is set twice, also by "+name+"_file: remove one")
			}
		}
		if names[w.Name] {
			r.at(value, join(key, "name"), "another webhook has this name")
		}
		names[w.Name] = w.Name != ""
	}
}

// matching accepts text of the pattern.
func matching(pattern *regexp.Regexp, message string) func(string) (string, error) {
	return func(value string) (string, error) {
		if !pattern.MatchString(value) {
			return "", errors.New(message)
		}
		return value, nil
	}
}

// inlineSecret reads a secret that stands in the file itself.
func inlineSecret(set func(string) error) field {
	return text(new(string), func(value string) (string, error) { return "", set(value) })
}

// secretFile reads a secret from the file that is named. Its text is never repeated.
func secretFile(set func(string) error) field {
	return text(new(string), func(path string) (string, error) {
		data, err := readBounded(path)
		if err != nil {
			return "", fmt.Errorf("reading it: %w", err)
		}
		return "", set(string(data))
	})
}

func webhookURL(target *Secret) func(string) error {
	return func(value string) error {
		value = strings.TrimSpace(value)
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" {
			return errors.New("must be an address like https://hooks.example.org/agora, without fragment")
		}
		*target = Secret(value)
		return nil
	}
}

func webhookSecret(w *Webhook) func(string) error {
	return func(value string) error {
		checked := Webhook{Secret: Secret(strings.TrimSpace(value))}
		if !checked.Secret.IsSet() {
			return errors.New("is empty: leave it out for a receiver that verifies nothing")
		}
		if _, err := checked.Key(); err != nil {
			return err
		}
		w.Secret = checked.Secret
		return nil
	}
}

// webhookTypes reads types of notifications. An empty list is refused: it might be meant as none.
func webhookTypes(target *[]string) field {
	known := NotificationTypes()
	item := func(t *string) field {
		return text(t, func(value string) (string, error) {
			if !slices.Contains(known, value) {
				return "", fmt.Errorf("%s is not known: use %s", quote(value), listed(known))
			}
			return value, nil
		})
	}
	return func(r *yamlReader, key string, value ast.Node) {
		if sequence, ok := value.(*ast.SequenceNode); ok && len(sequence.Values) == 0 {
			r.at(value, key, "must name at least one type; leave it out for all")
			return
		}
		list(target, len(known), item)(r, key, value)
	}
}

// prefix reads a range of addresses. One that is not written exactly is refused, since it is rarely what was meant.
func prefix(value string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(value)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is not a range of addresses like 10.0.0.0/8 or fd00::/8", quote(value))
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s is not the beginning of a range: write %s, or the single address with /%d", quote(value), p.Masked(), p.Addr().BitLen())
	}
	return p, nil
}
