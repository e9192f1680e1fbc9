package config_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/config"
)

// commented is a setting of examples/agora.yml that is commented out; after the # of
// prose there is one space.
var commented = regexp.MustCompile(`(?m)^#([a-z]|  )`)

func exampleFile(t *testing.T) (asWritten, whole string) {
	t.Helper()
	data, err := os.ReadFile("../examples/agora.yml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data), commented.ReplaceAllString(string(data), "$1")
}

func TestTheExampleFileHoldsTheDefaults(t *testing.T) {
	t.Parallel()
	asWritten, whole := exampleFile(t)
	got, err := config.ResolvePolicy(nil, []byte(asWritten))
	if err != nil {
		t.Fatal(err)
	}
	want := config.DefaultPolicy()
	if diff := cmp.Diff(want.Version(), got.Version()); diff != "" {
		t.Errorf("as written, in a repository (-want +got):\n%s", cmp.Diff(want, got))
	}
	want.Digest.Repository = "acme/rfcs" // has no default
	if got := parse(t, whole); got.Version() != want.Version() {
		t.Errorf("with all its keys, in the owner's repository (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestTheExampleFileHoldsEveryKey(t *testing.T) {
	t.Parallel()
	_, whole := exampleFile(t)
	var file map[string]any
	if err := yaml.Unmarshal([]byte(whole), &file); err != nil {
		t.Fatal(err)
	}
	leaves := 0
	var walk func(path []string, node any)
	walk = func(path []string, node any) {
		keys := knownKeys(t, path)
		if keys == nil {
			leaves++
			return
		}
		object, _ := node.(map[string]any)
		for _, key := range keys {
			value, there := object[key]
			if _, spelled := object[strings.ReplaceAll(key, "-", "_")]; !there && spelled {
				continue // the other spelling of a type
			}
			if path := append(path[:len(path):len(path)], key); there {
				walk(path, value)
			} else {
				t.Errorf("examples/agora.yml lacks %s", strings.Join(path, "."))
			}
		}
	}
	walk(nil, file)
	if leaves < 80 {
		t.Errorf("only %d keys were looked for", leaves)
	}
}

var known = regexp.MustCompile(`unknown key; known here: (.*)`)

// knownKeys are the keys that a configuration may hold under path, as the report of an
// unknown one names them; nil where a value stands.
func knownKeys(t *testing.T, path []string) []string {
	t.Helper()
	file := "no_such_key: 1"
	for i := len(path) - 1; i >= 0; i-- {
		file = path[i] + ": { " + file + " }"
	}
	if len(path) > 0 {
		file = "version: 1\n" + file
	}
	_, err := config.ParsePolicy([]byte(file), config.DefaultPolicy())
	var problems *config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%q is good", file)
	}
	for _, p := range problems.List {
		if found := known.FindStringSubmatch(p.Message); found != nil {
			return strings.Split(found[1], ", ")
		}
	}
	return nil
}
