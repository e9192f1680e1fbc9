package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/config"
)

const webhookSecret = "hunter2-do-not-print"

// rsaKey is made once: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// keyPEM is the key in the encoding GitHub hands out.
func keyPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}))
}

type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// with is e and more variables.
func (e environment) with(names ...string) environment {
	merged := environment{}
	for name, value := range e {
		merged[name] = value
	}
	for i := 0; i < len(names); i += 2 {
		merged[names[i]] = names[i+1]
	}
	return merged
}

// credentials is all that has no default.
func credentials() environment {
	return environment{
		"GITHUB_APP_INTEGRATION_ID": "42",
		"GITHUB_APP_WEBHOOK_SECRET": webhookSecret,
		"GITHUB_APP_PRIVATE_KEY":    keyPEM(),
	}
}

// file writes a configuration and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agora.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string, env environment) config.Server {
	t.Helper()
	server, err := config.LoadServer(path, env.lookup)
	if err != nil {
		t.Fatalf("LoadServer: %v", err)
	}
	return server
}

// refused loads a configuration that must not be taken.
func refused(t *testing.T, path string, env environment) *config.Problems {
	t.Helper()
	_, err := config.LoadServer(path, env.lookup)
	var problems *config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("LoadServer = %v, want *config.Problems", err)
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "MII") {
		t.Fatalf("the error repeats a secret:\n%v", err)
	}
	return problems
}

func TestServerDefaults(t *testing.T) {
	t.Parallel()
	got := load(t, "", credentials())
	want := config.Server{
		GitHub: config.GitHub{
			WebURL: "https://github.com", V3APIURL: "https://api.github.com", V4APIURL: "https://api.github.com/graphql",
			App: config.GitHubApp{IntegrationID: 42, WebhookSecret: webhookSecret, PrivateKey: config.Secret(keyPEM())},
		},
		Listen: "127.0.0.1:8420", PublicURL: "http://127.0.0.1:8420", DatabaseURL: "sqlite://agora-data/agora.db",
		LogLevel: "info", LogFormat: config.LogAuto, ReactionPoll: config.Duration(time.Minute), KeepDeliveries: 72 * hour,
		MailFrom: "agora@localhost",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	t.Parallel()
	path := file(t, `
github:
  web_url: https://git.example.org/
  app:
    integration_id: 7
    webhook_secret: from the file
    private_key: |
      `+strings.ReplaceAll(keyPEM(), "\n", "\n      ")+`
listen: :9000
public_url: https://agora.example.org/
database_url: postgres://agora:hunter2@db/agora
log_level: debug
log_format: json
reaction_poll: 5m
keep_deliveries: 1d
smtp_url:
`)
	got := load(t, path, environment{"AGORA_REACTION_POLL": "1s", "GITHUB_APP_WEBHOOK_SECRET": "from the environment", "AGORA_LISTEN": ""})
	want := config.Server{
		GitHub: config.GitHub{
			WebURL: "https://git.example.org", V3APIURL: "https://git.example.org/api/v3", V4APIURL: "https://git.example.org/api/graphql",
			App: config.GitHubApp{IntegrationID: 7, WebhookSecret: "from the environment", PrivateKey: config.Secret(keyPEM())},
		},
		Listen: ":9000", PublicURL: "https://agora.example.org", DatabaseURL: "postgres://agora:hunter2@db/agora",
		LogLevel: "debug", LogFormat: config.LogJSON, ReactionPoll: config.Duration(time.Second), KeepDeliveries: config.Day,
		MailFrom: "agora@agora.example.org",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	env := environment{
		"GITHUB_APP_INTEGRATION_ID":      "42",
		"GITHUB_APP_WEBHOOK_SECRET_FILE": file(t, webhookSecret+"\n"),
		"GITHUB_APP_PRIVATE_KEY_FILE":    file(t, keyPEM()),
		"AGORA_DATABASE_URL_FILE":        file(t, "postgres://db/agora\r\n"),
		"AGORA_SMTP_URL_FILE":            file(t, "smtps://u:p@mail.example.org:465"),
	}
	got := load(t, "", env)
	if got.GitHub.App.WebhookSecret != webhookSecret || got.DatabaseURL != "postgres://db/agora" || got.GitHub.App.PrivateKey.Reveal() != keyPEM() || !got.SMTPURL.IsSet() {
		t.Errorf("secrets were not read from their files: %+v", got)
	}
	if problem := refused(t, "", env.with("GITHUB_APP_WEBHOOK_SECRET", "hunter2")).List[0]; !strings.Contains(problem.Key, "webhook_secret") || !strings.Contains(problem.Message, "twice") {
		t.Errorf("set twice: %v", problem)
	}
	if problem := refused(t, "", env.with("GITHUB_APP_PRIVATE_KEY_FILE", "/nonexistent/key.pem")).List[0]; !strings.Contains(problem.String(), "GITHUB_APP_PRIVATE_KEY_FILE names: no such file") {
		t.Errorf("no such file: %v", problem)
	}
	for _, endless := range []string{"/dev/zero", file(t, strings.Repeat("x", 64<<10+1))} {
		problem := refused(t, "", env.with("GITHUB_APP_PRIVATE_KEY_FILE", endless)).List[0]
		if !strings.Contains(problem.Key, "private_key") || !strings.Contains(problem.Message, "GITHUB_APP_PRIVATE_KEY_FILE names: it is larger than 64 KiB") {
			t.Errorf("%s: %v", endless, problem)
		}
	}
	// Where the path belongs, the secret itself may stand.
	if problem := refused(t, "", env.with("AGORA_SMTP_URL_FILE", "smtps://u:hunter2@mail.example.org")).List[0]; strings.Contains(problem.String(), "hunter2") {
		t.Errorf("the secret is told: %v", problem)
	}
}

func TestPrivateKeyEncodings(t *testing.T) {
	t.Parallel()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{
		"PKCS 1":    keyPEM(),
		"PKCS 8":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"one line":  strings.ReplaceAll(keyPEM(), "\n", `\n`),
		"CR and LF": strings.ReplaceAll(keyPEM(), "\n", "\r\n"),
	} {
		got := load(t, "", credentials().with("GITHUB_APP_PRIVATE_KEY", key))
		if block, _ := pem.Decode([]byte(got.GitHub.App.PrivateKey.Reveal())); block == nil {
			t.Errorf("%s: not PEM any more", name)
		}
	}
}

func TestWrongServerSettingsAreNamed(t *testing.T) {
	t.Parallel()
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(elliptical)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ variable, value, key, says string }{
		{"GITHUB_APP_WEBHOOK_SECRET", "", "webhook_secret", "missing or empty"},
		{"GITHUB_APP_WEBHOOK_SECRET", " \t", "webhook_secret", "missing or empty"},
		{"GITHUB_APP_WEBHOOK_SECRET", "null", "webhook_secret", "jq prints for a field that is not there"},
		{"GITHUB_APP_WEBHOOK_SECRET", "", "webhook_secret", "https://github.com/organizations/ORG/settings/apps"},
		{"GITHUB_APP_INTEGRATION_ID", "null", "integration_id", "jq prints for a field that is not there"},
		{"GITHUB_APP_PRIVATE_KEY", "", "private_key", "Generate a private key"},
		{"GITHUB_APP_PRIVATE_KEY", "hunter2", "private_key", "not a PEM file"},
		{"GITHUB_APP_PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIaaa\n-----END RSA PRIVATE KEY-----\n", "private_key", "P"},
		{"GITHUB_APP_PRIVATE_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "private_key", "no RSA private key"},
		{"GITHUB_APP_INTEGRATION_ID", "", "integration_id", "agora manifest"},
		{"GITHUB_APP_INTEGRATION_ID", "my-app", "integration_id", "App ID"},
		{"GITHUB_APP_INTEGRATION_ID", "0", "integration_id", "App ID"},
		{"GITHUB_WEB_URL", "github.com", "web_url", "https://"},
		{"GITHUB_WEB_URL", "https://git.example.org/api/v3", "web_url", "those of the API, with /api/v3, follow from it"},
		{"GITHUB_WEB_URL", "https://git.example.org/api/v3/", "web_url", "GitHub's pages"},
		{"GITHUB_WEB_URL", "https://api.github.com", "web_url", "https://github.com"},
		{"GITHUB_V3_API_URL", "ftp://x", "v3_api_url", "https://"},
		{"GITHUB_V4_API_URL", "https://u:hunter2@x", "v4_api_url", "without user"},
		{"AGORA_LISTEN", "8420", "listen", ":8420"},
		{"AGORA_LISTEN", "localhost:99999", "listen", ":8420"},
		{"AGORA_PUBLIC_URL", "agora", "public_url", "https://"},
		{"AGORA_DATABASE_URL", "mysql://root:hunter2@db", "database_url", "sqlite://"},
		{"AGORA_DATABASE_URL", "sqlite://", "database_url", "sqlite://"},
		{"AGORA_DATABASE_URL", "postgres://", "database_url", "postgres://"},
		{"AGORA_DATABASE_URL", "postgres://a:hunter2@[::1", "database_url", "postgres://"},
		{"AGORA_LOG_LEVEL", "loud", "log_level", "trace"},
		{"AGORA_LOG_FORMAT", "xml", "log_format", "is not known: use json or console"},
		{"AGORA_REACTION_POLL", "0s", "reaction_poll", "longer than 0"},
		{"AGORA_REACTION_POLL", "-60s", "reaction_poll", "not a duration"},
		{"AGORA_REACTION_POLL", "60", "reaction_poll", "90s"},
		{"AGORA_SMTP_URL", "https://u:hunter2@mail", "smtp_url", "smtps://"},
		{"AGORA_SMTP_URL", "smtp://u:hunter2@mail/inbox", "smtp_url", "smtps://"},
		{"AGORA_SMTP_URL", "smtp://u:hunter2@mail?tls=no", "smtp_url", "from="},
		{"AGORA_SMTP_URL", "smtp://u:hunter2@mail?from=a;b", "smtp_url", "cannot be read"},
		{"AGORA_SMTP_URL", "smtp://u:hunter2@mail?from=nobody", "smtp_url", "e-mail address"},
		{"AGORA_MAIL_FROM", "Agora", "mail_from", "agora@example.org"},
		{"AGORA_MAIL_FROM", "a@example.org\r\nBcc: b@example.org", "mail_from", "agora@example.org"},
		{"AGORA_MAIL_FROM", "a@example.org, b@example.org", "mail_from", "agora@example.org"},
		{"AGORA_KEEP_DELIVERIES", "forever", "keep_deliveries", "not a duration"},
	} {
		problems := refused(t, "", credentials().with(test.variable, test.value))
		if got := problems.List[0]; len(problems.List) != 1 || !strings.Contains(got.Key, test.key) || !strings.Contains(got.Message, test.says) {
			t.Errorf("%s=%q: got %v\nwant one problem of %s that says %q", test.variable, test.value, problems, test.key, test.says)
		}
	}
}

func TestAllServerProblemsAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t, "reaction_poll: soon\nlog_level: 7\ngithub: {app: {webhook_secert: hunter2}}\nlistne: x\n")
	text := refused(t, path, environment{"AGORA_LISTEN": "nowhere"}).Error()
	for _, want := range []string{
		"agora.yaml: line 1: reaction_poll: ", "line 2: log_level: ", "line 3: github.app.webhook_secert: unknown key", "line 4: listne: unknown key",
		"listen (AGORA_LISTEN): ", "webhook_secret (GITHUB_APP_WEBHOOK_SECRET): ", "private_key (", "integration_id (",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestBrokenServerFileShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"github: {app: {webhook_secret: >hunter2}}\n", "github:\n  app:\n    webhook_secret: 'hunter2\n", "github: {app: {webhook_secret: [hunter2]}}\n",
		"github: {app: {webhook_secret: @hunter2}}\n", "github: {app: {private_key: hunter2}}\n", "database_url: hunter2\n",
		"github: {app: {webhook_secret: *hunter2}}\n", "smtp_url: hunter2\n",
	} {
		if text := refused(t, file(t, content), credentials()).Error(); !strings.Contains(text, "agora.yaml: line ") {
			t.Errorf("%q: %s", content, text)
		}
	}
	refused(t, filepath.Join(t.TempDir(), "none.yaml"), credentials())
	refused(t, file(t, strings.Repeat("#", 100<<10)), credentials())
}

// What a file holds that cannot be read is not said to be missing; what is wrong elsewhere is said all the same.
func TestNothingIsMissingWhileTheServerFileIsBroken(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"no YAML":          file(t, "github:\n  app:\n    webhook_secret: 'hunter2\n"),
		"no mapping":       file(t, "hunter2\n"),
		"two documents":    file(t, "listen: :80\n---\nlisten: :81\n"),
		"not there":        filepath.Join(t.TempDir(), "none.yaml"),
		"no configuration": file(t, strings.Repeat("#", 100<<10)),
	} {
		if problems := refused(t, path, environment{}); len(problems.List) != 1 || !strings.HasPrefix(problems.Error(), path) {
			t.Errorf("%s: %v", name, problems)
		}
		if problems := refused(t, path, environment{"AGORA_LOG_LEVEL": "loud"}); len(problems.List) != 2 || !strings.Contains(problems.Error(), "log_level (AGORA_LOG_LEVEL)") {
			t.Errorf("%s, and a variable: %v", name, problems)
		}
	}
	if problems := refused(t, file(t, "listne: x\n"), environment{}); len(problems.List) != 4 {
		t.Errorf("a file that can be read: %v", problems)
	}
}

func TestDatabaseNeedsNoCredentials(t *testing.T) {
	t.Parallel()
	got, err := config.LoadDatabaseURL("", environment{"AGORA_DATABASE_URL": "sqlite://x.db"}.lookup)
	if err != nil || got.Reveal() != "sqlite://x.db" {
		t.Errorf("LoadDatabaseURL = %q, %v", got.Reveal(), err)
	}
	if _, err := config.LoadDatabaseURL("", environment{"AGORA_DATABASE_URL": "x"}.lookup); err == nil {
		t.Error("a bad database URL should be refused")
	}
}

// A password with a sign that means something in an address is refused, and no piece of it is said.
func TestAPasswordThatIsNotEscapedIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, says string }{
		{"postgres://agora:tiger@sshunter2@127.0.0.1:54329/agora", "write @ in a password as %40"},
		{"postgresql://agora:tiger@sshunter2@127.0.0.1:54329/agora", "write @ in a password as %40"},
		{"postgres://agora:tiger/hunter2@127.0.0.1/agora", "/ as %2F"},
		{"postgres://agora:54329/hunter2@127.0.0.1/agora", "/ as %2F"}, // what stands before the / could be a port
		{"postgres://agora:tiger#hunter2@127.0.0.1/agora", "# as %23"},
		{"postgres://agora:54329#hunter2@127.0.0.1/agora", "# as %23"},
		{"postgres://agora:tiger?hunter2@127.0.0.1/agora", "? as %3F"},
		{"postgres://agora:54329?hunter2@127.0.0.1/agora", "? as %3F"},
		{"postgres://agora:tiger%hunter2@127.0.0.1/agora", "% as %25"},
		{"postgres://agora:tiger[hunter2@127.0.0.1/agora", "[ as %5B"},
		{"postgres://agora:tiger]hunter2@127.0.0.1/agora", "] as %5D"},
		{"postgres://agora:tiger@[hunter2]@127.0.0.1/agora", "@ in a password"},
		{"postgres://agora:tiger@127.0.0.1/agora#hunter2", "# as %23"},
		{"postgres://agora:tiger hunter2@127.0.0.1/agora", "%25"},
		{"postgres://127.0.0.1/agora?password=tiger@hunter2", "write @"},
	} {
		env := environment{"AGORA_DATABASE_URL": test.address}
		_, alone := config.LoadDatabaseURL("", env.lookup)
		_, whole := config.LoadServer("", credentials().with("AGORA_DATABASE_URL", test.address).lookup)
		_, inFile := config.LoadServer(file(t, "database_url: \""+test.address+"\"\n"), credentials().lookup)
		for _, err := range []error{alone, whole, inFile, config.CheckDatabaseURL(test.address)} {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v, want %q", test.address, err, test.says)
				continue
			}
			for _, piece := range []string{"tiger", "hunter", "54329", "127.0.0.1"} {
				if strings.Contains(err.Error(), piece) {
					t.Errorf("%s: the error shows %q: %v", test.address, piece, err)
				}
			}
		}
	}
	for _, good := range []string{
		"postgres://agora:p%40ss%2Fw%23o%3Fr%25d@127.0.0.1:54329/agora?sslmode=disable", "postgres://agora:a:b@db/agora",
		"postgres://agora@[::1]:5432/agora", "postgres:///agora?host=/run/postgresql", "postgres://a:b@one:1,two:2/agora", "sqlite://data@home/agora.db",
	} {
		if err := config.CheckDatabaseURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	server := load(t, "", credentials().with("AGORA_DATABASE_URL", "postgres://agora:hunter2@db/agora"))
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s"} {
		fmt.Fprintf(&out, verb, server)
		fmt.Fprintf(&out, verb, &server)
		fmt.Fprintf(&out, verb, server.GitHub.App.WebhookSecret)
		fmt.Fprintf(&out, verb, []config.Secret{server.DatabaseURL})
	}
	encoded, err := json.Marshal(server)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, secret := range []string{"hunter2", "68756e74657232", "BEGIN RSA"} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
			t.Errorf("%q was printed: %s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing shows that there is a secret")
	}
}

func TestUnknownNamesOfTheEnvironmentAreNamed(t *testing.T) {
	t.Parallel()
	got := config.UnknownNames([]string{
		"HOME=/root", "AGORA_LISTEN=:1", "AGORA_DATABASE_URL_FILE=/run/url", "AGORA_SMTP_URL=", "AGORA_SERVICE_HOST=10.0.0.1", "AGORA_PORT_8420_TCP=tcp",
		"AGORA_PUBLIC_ULR=https://user:hunter2@x", "AGORA_LISTEN_FILE=/run/listen", "AGORA_=",
	})
	if want := []string{"AGORA_", "AGORA_LISTEN_FILE", "AGORA_PUBLIC_ULR"}; !slices.Equal(got, want) {
		t.Errorf("UnknownNames = %q, want %q", got, want)
	}
}

func TestADatabaseIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for address, want := range map[config.Secret]string{
		"sqlite://agora-data/agora.db":                                         "sqlite://agora-data/agora.db",
		"postgres://agora:hunter2@db.example:5433/agora?sslpassword=hunter2":   "postgres://db.example:5433/agora",
		"postgresql:///agora?host=/run/postgresql&user=agora&password=hunter2": "postgresql:///agora",
		"postgres://agora:p@hunter2@db/agora":                                  "postgres://",
		"postgres://agora:%zz-hunter2@db/agora":                                "postgres://",
	} {
		if got := config.NameDatabase(address); got != want {
			t.Errorf("it is named %s, want %s", got, want)
		}
	}
}
