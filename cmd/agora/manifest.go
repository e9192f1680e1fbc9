package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora"
)

// newManifestCommand makes `agora manifest`.
func newManifestCommand() *cobra.Command {
	var webhook string
	c := &cobra.Command{
		Use: "manifest", Short: "Print the manifest from which GitHub makes the App", Args: cobra.NoArgs,
		Long: "Prints the description of the GitHub App as JSON, with the addresses of the server that AGORA_PUBLIC_URL\n" +
			"names. GitHub posts webhooks to /api/github/hook there, unless --webhook-url names a tunnel that has an address\n" +
			"of its own for them, such as a smee channel. It needs no credentials: registering the App is how one gets them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			public := os.Getenv("AGORA_PUBLIC_URL")
			if public == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "AGORA_PUBLIC_URL is not set: the addresses below are examples. Set it to where GitHub reaches your server, and run this again.")
			}
			m, err := manifest(public, webhook)
			if err != nil {
				return err
			}
			if hook, err := url.Parse(m.HookAttributes.URL); err == nil && ofThisMachine(hook.Hostname()) {
				fmt.Fprintf(cmd.ErrOrStderr(), "Warning: GitHub cannot reach the webhook address %s, which means this machine alone. Set AGORA_PUBLIC_URL to an address on the internet, or name a tunnel's with --webhook-url.\n", m.HookAttributes.URL)
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(m); err != nil {
				return fmt.Errorf("printing the manifest: %w", err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "Next: paste this into examples/register.html in a browser, confirm on GitHub, and exchange the ?code=… that it sends you back with for the App's credentials, as the README says under \"Create the GitHub App\".")
			return nil
		},
	}
	c.Flags().StringVar(&webhook, "webhook-url", "", "the whole address that GitHub posts webhooks to, when it is not /api/github/hook at AGORA_PUBLIC_URL")
	return c
}

// ofThisMachine reports whether a host is one that every machine calls itself.
func ofThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// appManifest is what GitHub takes when an App is registered from a manifest.
type appManifest struct {
	Name           string            `yaml:"name" json:"name"`
	Description    string            `yaml:"description" json:"description"`
	URL            string            `yaml:"url" json:"url"`
	RedirectURL    string            `yaml:"redirect_url" json:"redirect_url"`
	HookAttributes hookAttributes    `yaml:"hook_attributes" json:"hook_attributes"`
	Public         bool              `yaml:"public" json:"public"`
	Permissions    map[string]string `yaml:"default_permissions" json:"default_permissions"`
	Events         []string          `yaml:"default_events" json:"default_events"`
}

type hookAttributes struct {
	URL    string `yaml:"url" json:"url"`
	Active bool   `yaml:"active" json:"active"`
}

// manifest reads app.yml and puts the server's address in, and that of the webhook
// where it is another; "" leaves the examples.
func manifest(public, webhook string) (appManifest, error) {
	var m appManifest
	if err := yaml.UnmarshalWithOptions(agora.AppManifest, &m, yaml.DisallowUnknownField()); err != nil {
		return m, fmt.Errorf("reading app.yml: %w", err)
	}
	if public != "" {
		address, err := webAddress(public)
		if err != nil || address.RawQuery != "" {
			return m, errors.New("AGORA_PUBLIC_URL: must be an address like https://agora.example.org, without user, query or fragment")
		}
		if placeholder(address.Hostname()) {
			return m, fmt.Errorf("AGORA_PUBLIC_URL: %q is a placeholder: write your own host's name there", address.Hostname())
		}
		base := strings.TrimRight(address.String(), "/")
		m.URL, m.RedirectURL, m.HookAttributes.URL = base, base, base+"/api/github/hook"
	}
	if webhook != "" {
		address, err := webAddress(webhook)
		if err != nil {
			return m, usageError("--webhook-url must be an address like https://smee.io/YOUR-CHANNEL, without user or fragment")
		}
		if placeholder(address.Hostname()) {
			return m, usageError("--webhook-url: %q is a placeholder: write your own host's name there", address.Hostname())
		}
		m.HookAttributes.URL = address.String()
	}
	return m, nil
}

// placeholder reports whether a host is a word that stands in instructions for one: in
// capitals, and without a dot.
func placeholder(host string) bool {
	return !strings.Contains(host, ".") && host != strings.ToLower(host) && host == strings.ToUpper(host)
}

// webAddress reads the address of something on the web.
func webAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if address.Scheme != "https" && address.Scheme != "http" || address.Hostname() == "" || address.User != nil || address.Fragment != "" {
		return nil, errors.New("this is no address of the web")
	}
	return address, nil
}
