package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/jackc/pgx/v5"
)

// postgresServer returns the address of a server, and starts a private one the
// first time when none was given.
func postgresServer(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("AGORA_TEST_POSTGRES"); address != "" {
		return address
	}
	address, err := privateServer()
	if err != nil {
		t.Fatalf("These tests need PostgreSQL. Install its server programs (Debian: apt-get install postgresql; "+
			"macOS: brew install postgresql), or set AGORA_TEST_POSTGRES=postgres://… : %v", err)
	}
	return address
}

var privateServer = sync.OnceValues(func() (string, error) {
	programs, err := findPrograms()
	if err != nil {
		if programs, err = fetchPrograms(); err != nil {
			return "", err
		}
	}
	return startServer(programs)
})

// findPrograms looks for a folder with initdb and postgres: the PATH, then
// where Debian and Homebrew put them, newest first.
func findPrograms() (string, error) {
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.Reverse(found)
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		if isProgram(filepath.Join(folder, "initdb")) && isProgram(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errors.New("no PostgreSQL server programs are installed")
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// fetchPrograms has embedded-postgres download and unpack a server. It would
// also run it, but not as root and not in a way that ends with a killed test.
func fetchPrograms() (string, error) {
	folder, err := os.MkdirTemp("", "agora-postgres-programs-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // the server may run as another user
		return "", err
	}
	err = runUntilWeEnd(&syscall.SysProcAttr{Setpgid: true}, `read -r _; rm -rf "$1"`, folder)
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	server := embedded.NewDatabase(embedded.DefaultConfig().
		Version(embedded.V16).
		BinariesPath(filepath.Join(folder, "programs")).
		RuntimePath(filepath.Join(folder, "runtime")).
		Port(port).
		Logger(io.Discard))
	started := server.Start()
	if started == nil {
		started = server.Stop()
	}
	programs := filepath.Join(folder, "programs", "bin")
	if !isProgram(filepath.Join(programs, "postgres")) {
		return "", fmt.Errorf("fetching PostgreSQL: %w", started)
	}
	return programs, nil
}

func freePort() (uint32, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return uint32(port), listener.Close()
}

// serverScript runs a server until its standard input closes, then stops it and
// removes its folder. Nothing needs to be durable; that stands in a file, where
// DurablePostgres can overrule it.
const serverScript = `
programs=$1 folder=$2
{
	"$programs/initdb" -D "$folder/data" -U agora -A trust -E UTF8 --no-locale --no-sync &&
	printf 'fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n' >>"$folder/data/postgresql.conf" &&
	exec "$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=300
} >"$folder/log" 2>&1 &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
`

// lifelines are the standard inputs of the scripts that clean up. We never close
// them; they are kept because the garbage collector closes files nobody holds.
var lifelines []io.Closer

// runUntilWeEnd starts a script that waits for the end of its standard input,
// a pipe that closes when this process ends, in whatever way.
func runUntilWeEnd(attributes *syscall.SysProcAttr, text string, args ...string) error {
	script := exec.Command("sh", append([]string{"-c", text, "sh"}, args...)...)
	script.Dir = os.TempDir()
	script.Env = append(os.Environ(), "LC_ALL=C")
	script.SysProcAttr = attributes
	lifeline, err := script.StdinPipe()
	if err != nil {
		return err
	}
	lifelines = append(lifelines, lifeline)
	return script.Start()
}

// startServer starts a private server that listens on a socket in its own
// folder, as an unprivileged user when root runs the tests: PostgreSQL refuses
// to run as root.
func startServer(programs string) (string, error) {
	folder, err := os.MkdirTemp("", "agora-postgres-")
	if err != nil {
		return "", err
	}
	attributes := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not kill the one who cleans up
	if os.Getuid() == 0 {
		uid, gid, err := unprivileged()
		if err != nil {
			return "", err
		}
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			return "", err
		}
		attributes.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	if err := runUntilWeEnd(attributes, serverScript, programs, folder); err != nil {
		return "", fmt.Errorf("starting PostgreSQL: %w", err)
	}
	address := "postgres://agora@/postgres?" + url.Values{"host": {folder}}.Encode()
	return address, waitForServer(address, filepath.Join(folder, "log"))
}

// unprivileged finds a user to run the server as.
func unprivileged() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		account, lookupErr := user.Lookup(name)
		if lookupErr != nil {
			continue
		}
		u, uErr := strconv.ParseUint(account.Uid, 10, 32)
		g, gErr := strconv.ParseUint(account.Gid, 10, 32)
		if uErr == nil && gErr == nil {
			return uint32(u), uint32(g), nil
		}
	}
	return 0, 0, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func waitForServer(address, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(log)
			return fmt.Errorf("waiting for PostgreSQL: %w; it said: %s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
