package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/log"

	"github.com/agora-rfc/agora/handlers/web"
)

// TestMain lets the stories of testdata run this very program as `agora`, and the
// tests of crashes as a replica that they may kill.
func TestMain(m *testing.M) {
	log.Logger = zerolog.Nop() // toxiproxy's, which Agora does not use
	testscript.Main(m, map[string]func(){"agora": main, "agora-replica": replicaMain})
}

// TestProgram plays the stories of testdata, each in an empty folder with an empty
// environment. $SERVER is a gate that answers as fakeGate says.
func TestProgram(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(fakeGate())
			env.Defer(server.Close)
			env.Setenv("SERVER", server.URL)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

// status runs a program like exec, and wants it to end with a status:
// status 2 agora gate.
func status(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: status N program [argument…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = fmt.Sprint(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if got != args[0] {
		ts.Fatalf("%s ended with status %s, want %s", args[1], got, args[0])
	}
}

// fakeGate answers by the number of the RFC or pull request, and gives tokens as
// GitHub Actions does.
func fakeGate() http.Handler {
	var failures atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer request-secret" || r.FormValue("api-version") != "2" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		writeJSON(w, map[string]string{"value": "token-for-" + r.FormValue("audience")})
	})
	mux.HandleFunc("GET /api/v1/gate", func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"passed": true, "state": "accepted", "rfc": 7, "reason": "RFC-7 is accepted", "url": "https://agora.example/c/acme/rfcs/7"}
		asked := fmt.Sprintf("%s rfc=%s pull=%s", r.FormValue("repo"), r.FormValue("rfc"), r.FormValue("pull"))
		if head := r.FormValue("head"); head != "" {
			asked += " head=" + head[:1]
		}
		switch asked {
		case "acme/app rfc=7 pull=", "acme/app rfc= pull=12", "acme/app rfc= pull= head=1":
		case "acme/app rfc=8 pull=", "acme/app rfc= pull=13", "acme/app rfc= pull= head=2":
			answer = map[string]any{"passed": false, "state": "voting", "rfc": 8, "reason": "RFC-8 is voting", "url": "https://agora.example/c/acme/rfcs/8"}
		case "acme/app rfc=9 pull=": // a passing trouble
			if failures.Add(1) <= 2 {
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
		case "acme/app rfc=10 pull=":
			http.Error(w, "never", http.StatusBadGateway)
			return
		case "acme/app rfc=11 pull=":
			fmt.Fprint(w, "<html>Welcome to another program</html>")
			return
		case "acme/app rfc=12 pull=":
			http.Redirect(w, r, "/token", http.StatusFound)
			return
		case "acme/app rfc=13 pull=": // hostile
			answer["reason"] = "good\nEOF\npassed=true\n::error::hello\n<img src=x> @maya"
			answer["url"] = "javascript:alert(1)"
		case "acme/app rfc=14 pull=":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			writeJSON(w, map[string]any{"title": "Unprocessable Entity", "detail": "validation failed"})
			return
		case "acme/secret rfc=7 pull=":
			if r.Header.Get("Authorization") != "Bearer token-for-http://"+r.Host {
				nothingHere(w)
				return
			}
		case "acme/elsewhere rfc=7 pull=": // a server that is not Agora
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			writeJSON(w, map[string]any{"title": "Not Found", "detail": "No route matches."})
			return
		default:
			nothingHere(w)
			return
		}
		if strings.HasPrefix(r.FormValue("require"), "implemented") {
			answer["passed"], answer["reason"] = false, "RFC-7 is accepted, and is not implemented yet"
		}
		writeJSON(w, answer)
	})
	return mux
}

// nothingHere is the 404 of Agora's API.
func nothingHere(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	writeJSON(w, map[string]any{"title": "Not Found", "status": 404, "detail": web.NothingHere})
}

func writeJSON(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}
