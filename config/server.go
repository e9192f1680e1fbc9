package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// DefaultServerFile is read when no other file is named, and need not exist.
const DefaultServerFile = "agora.yaml"

// Server is the server's own configuration: DefaultServerFile or another, overridden by the environment (docs/operations.md).
// What LoadServer returns is complete and checked.
type Server struct {
	// GitHub is the App; its names, in the file and in the environment, are those of go-githubapp.
	GitHub GitHub
	// Listen is the address of the HTTP server, host:port.
	Listen string
	// PublicURL is where people reach the server, without a slash at its end; links begin with it.
	PublicURL string
	// DatabaseURL is sqlite://PATH or postgres://…; it may hold a password.
	DatabaseURL Secret
	// LogLevel is trace, debug, info, warn or error.
	LogLevel string
	// LogFormat is how logs are written.
	LogFormat LogFormat
	// ReactionPoll is the shortest interval between two readings of the same ballot's reactions.
	ReactionPoll Duration
	// SMTPURL is smtp://… or smtps://…, empty for no e-mail; it may hold a password.
	SMTPURL Secret
	// MailFrom is the sender of e-mail: an address, or a name and an address as in a From header.
	MailFrom string
	// Webhooks are where notifications are posted.
	Webhooks []Webhook
	// KeepDeliveries is how long webhook deliveries that are done are kept.
	KeepDeliveries Duration
}

// GitHub is where GitHub is and who Agora is there.
type GitHub struct {
	// WebURL, V3APIURL and V4APIURL are those of github.com unless set; for a server of one's own WebURL is enough.
	WebURL, V3APIURL, V4APIURL string
	// App are the App's credentials.
	App GitHubApp
	// OAuth is reserved for signing in to pages: it may be empty, and nothing uses it yet.
	OAuth OAuth
}

// GitHubApp are the credentials of a GitHub App.
type GitHubApp struct {
	IntegrationID int64
	WebhookSecret Secret
	// PrivateKey is an RSA key in PEM.
	PrivateKey Secret
}

// OAuth are the credentials for signing in.
type OAuth struct {
	ClientID     string
	ClientSecret Secret
}

// LogFormat is how logs are written.
type LogFormat string

// The log formats. LogAuto is LogConsole on a terminal, LogJSON elsewhere.
const (
	LogAuto    LogFormat = ""
	LogJSON    LogFormat = "json"
	LogConsole LogFormat = "console"
)

// DefaultServer is the configuration when nothing is set; it lacks the App's credentials.
func DefaultServer() Server {
	return Server{
		Listen:         "127.0.0.1:8420",
		DatabaseURL:    "sqlite://agora-data/agora.db",
		LogLevel:       "info",
		ReactionPoll:   Duration(time.Minute),
		KeepDeliveries: 3 * Day,
	}
}

// LoadServer reads the file at path, then the environment through env (os.LookupEnv), and checks the whole.
// With an empty path it reads DefaultServerFile, if there is one. An empty variable counts as not set; NAME_FILE names
// a file that holds the value of NAME, for every secret.
// The error is a *Problems with everything that is wrong or missing; it repeats no secret.
func LoadServer(path string, env func(string) (string, bool)) (Server, error) {
	server, problems, legible := readServer(path, env)
	if legible { // what a broken file holds is not missing
		checkCredentials(&server, problems)
	}
	if err := problems.err(); err != nil {
		return Server{}, err
	}
	return server, nil
}

// LoadDatabaseURL reads the configuration like LoadServer, for commands that need the database and nothing of GitHub:
// missing credentials are no error.
func LoadDatabaseURL(path string, env func(string) (string, bool)) (Secret, error) {
	server, problems, _ := readServer(path, env)
	if err := problems.err(); err != nil {
		return "", err
	}
	return server.DatabaseURL, nil
}

// readServer reads what is set, from the file and over it from the environment. It reports whether the file, where there
// is one, could be read as a whole.
func readServer(path string, env func(string) (string, bool)) (_ Server, _ *Problems, legible bool) {
	server, problems := DefaultServer(), &Problems{}
	settings := serverSettings(&server)
	keys := serverKeys(settings)
	keys["webhooks"] = webhookList(&server.Webhooks)
	legible = readServerFile(path, keys, problems)
	for _, s := range settings {
		if value, ok := s.lookup(env, problems); ok {
			if err := s.set(value); err != nil {
				problems.add(Problem{Key: s.named(), Message: err.Error()})
			}
		}
	}
	completeGitHub(&server.GitHub)
	completePublicURL(&server)
	completeMailFrom(&server)
	return server, problems, legible
}

func readServerFile(path string, keys object, problems *Problems) (legible bool) {
	optional := path == ""
	if optional {
		path = DefaultServerFile
	}
	data, err := readBounded(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return true
	}
	problems.File = path
	if err != nil {
		problems.add(Problem{Message: "reading the configuration: " + err.Error()})
		return false
	}
	reader := &yamlReader{problems: problems, confidential: true}
	return len(strings.TrimSpace(string(data))) == 0 || reader.read(data, keys)
}

// errTooBig does not repeat the path, which may be a secret put into the wrong place.
var errTooBig = fmt.Errorf("it is larger than %d KiB, too big for a configuration or a secret", maxYAMLBytes>>10)

// readBounded reads a small file. What it says of its size is not believed: a device says 0 and never ends.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, maxYAMLBytes+1))
	if err == nil && len(data) > maxYAMLBytes {
		err = errTooBig
	}
	return data, err
}

// setting is one value of the server's configuration.
type setting struct {
	key    string // dotted path in the file
	env    string // variable in the environment
	secret bool   // may also come from the file that env + "_FILE" names
	set    func(string) error
}

// named is how a problem calls the setting, by both its names.
func (s setting) named() string { return s.key + " (" + s.env + ")" }

// lookup finds the setting in the environment.
func (s setting) lookup(env func(string) (string, bool), problems *Problems) (string, bool) {
	value, _ := env(s.env)
	if !s.secret {
		return value, value != ""
	}
	path, _ := env(s.env + "_FILE")
	if path == "" {
		return value, value != ""
	}
	if value != "" {
		problems.add(Problem{Key: s.named(), Message: "is set twice, also by " + s.env + "_FILE: remove one"})
		return "", false
	}
	data, err := readBounded(path)
	if err != nil {
		var wrong *fs.PathError
		if errors.As(err, &wrong) {
			err = wrong.Err // the path may be the secret itself, put into the wrong place
		}
		problems.add(Problem{Key: s.named(), Message: "reading the file that " + s.env + "_FILE names: " + err.Error()})
		return "", false
	}
	return strings.TrimRight(string(data), "\r\n"), true
}

// field reads the setting from the file: text, or a number as it is written.
func (s setting) field() field {
	return func(r *yamlReader, key string, value ast.Node) {
		var written string
		switch node := value.(type) {
		case *ast.NullNode:
			return // "key:" with nothing behind it is not set
		case *ast.StringNode:
			written = node.Value
		case *ast.LiteralNode:
			written = node.Value.Value
		case *ast.IntegerNode:
			written = node.GetToken().Value
		default:
			r.at(value, key, "must be text, not "+describe(value))
			return
		}
		if err := s.set(written); err != nil {
			r.at(value, key, err.Error())
		}
	}
}

// serverKeys makes the file's keys of the settings: nested mappings of their dotted paths.
func serverKeys(settings []setting) object {
	nested := map[string][]setting{}
	keys := object{}
	for _, s := range settings {
		outer, inner, isNested := strings.Cut(s.key, ".")
		if !isNested {
			keys[s.key] = s.field()
			continue
		}
		s.key = inner
		nested[outer] = append(nested[outer], s)
	}
	for outer, inner := range nested {
		keys[outer] = serverKeys(inner).field()
	}
	return keys
}

// completePublicURL makes an address that works on this machine, where none is set.
func completePublicURL(s *Server) {
	if s.PublicURL == "" {
		host, port, _ := net.SplitHostPort(s.Listen)
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
		s.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
}

// completeMailFrom takes the sender that the mail server's address names, else agora at the host of PublicURL.
func completeMailFrom(s *Server) {
	if s.MailFrom != "" {
		return
	}
	if u, err := url.Parse(s.SMTPURL.Reveal()); err == nil && u.Query().Has("from") {
		s.MailFrom = u.Query().Get("from")
		return
	}
	host := "localhost"
	if u, err := url.Parse(s.PublicURL); err == nil && u.Hostname() != "" && net.ParseIP(u.Hostname()) == nil {
		host = u.Hostname() // mail servers take no bare IP address for a sender's domain
	}
	s.MailFrom = "agora@" + host
}

// completeGitHub fills in the addresses of GitHub that are not set: those of github.com, or the usual ones of a server of one's own.
func completeGitHub(g *GitHub) {
	if g.WebURL == "" {
		g.WebURL = "https://github.com"
	}
	g.WebURL = strings.TrimRight(g.WebURL, "/")
	web, err := url.Parse(g.WebURL)
	public := err != nil || web.Hostname() == "github.com" || web.Hostname() == "www.github.com"
	if g.V3APIURL == "" {
		g.V3APIURL = g.WebURL + "/api/v3"
		if public {
			g.V3APIURL = "https://api.github.com"
		}
	}
	g.V3APIURL = strings.TrimRight(g.V3APIURL, "/")
	if g.V4APIURL == "" {
		g.V4APIURL = strings.TrimSuffix(g.V3APIURL, "/v3") + "/graphql"
	}
}

// UnknownNames lists the variables of the environment, given as os.Environ does, that look like settings of the server and
// are none: misspelt, or of another version. It repeats no values.
func UnknownNames(environment []string) []string {
	known := map[string]bool{}
	for _, s := range serverSettings(&Server{}) {
		known[s.env] = true
		known[s.env+"_FILE"] = s.secret
	}
	var unknown []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		// Kubernetes tells every program of a service called agora.
		ofService := strings.HasPrefix(name, "AGORA_SERVICE_") || name == "AGORA_PORT" || strings.HasPrefix(name, "AGORA_PORT_")
		if strings.HasPrefix(name, "AGORA_") && !known[name] && !ofService {
			unknown = append(unknown, shorten(name))
		}
	}
	slices.Sort(unknown)
	return unknown
}
