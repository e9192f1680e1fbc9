package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora"
)

// newManifestCommand makes `agora manifest`.
func newManifestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "manifest", Short: "Print the manifest from which GitHub makes the App", Args: cobra.NoArgs,
		Long: "Prints the description of the GitHub App as JSON, with the addresses of the server that AGORA_PUBLIC_URL\n" +
			"names. It needs no credentials: registering the App is how one gets them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			public := os.Getenv("AGORA_PUBLIC_URL")
			if public == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "AGORA_PUBLIC_URL is not set: the addresses below are examples. Set it to where GitHub reaches your server, and say this again.")
			}
			m, err := manifest(public)
			if err != nil {
				return err
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

// manifest reads app.yml and puts the server's address in; "" leaves the examples.
func manifest(public string) (appManifest, error) {
	var m appManifest
	if err := yaml.UnmarshalWithOptions(agora.AppManifest, &m, yaml.DisallowUnknownField()); err != nil {
		return m, fmt.Errorf("reading app.yml: %w", err)
	}
	if public == "" {
		return m, nil
	}
	address, err := url.Parse(public)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" ||
		address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		return m, fmt.Errorf("AGORA_PUBLIC_URL: must be an address like https://agora.example.org, without user, query or fragment")
	}
	base := strings.TrimRight(address.String(), "/")
	m.URL, m.RedirectURL, m.HookAttributes.URL = base, base, base+"/api/github/hook"
	return m, nil
}
