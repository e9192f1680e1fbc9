package ghsim

import (
	"fmt"
	"time"
)

// Install puts an App on an account, on the repositories named or, when none
// is, on all; it returns the installation's id.
func (s *Server) Install(appID int64, login string, repositories ...string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[appID]
	if a == nil {
		panic(fmt.Sprintf("ghsim: there is no App %d", appID))
	}
	n := &installation{id: s.id(), app: a, account: s.mustAccount(login), all: len(repositories) == 0,
		repositories: map[int64]bool{}, created: s.now(), updated: s.now()}
	for _, name := range repositories {
		n.repositories[s.mustFind(n.account.login+"/"+name).id] = true
	}
	s.installations = append(s.installations, n)
	list := []object{}
	for _, r := range s.repositories {
		if n.covers(r) {
			list = append(list, installedRepository(r))
		}
	}
	s.installationEvent(n, "installation", "created", s.ownerOf(n.account), object{"repositories": list, "requester": nil})
	return n.id
}

// mustInstallation finds an installation by its id.
func (s *Server) mustInstallation(id int64) *installation {
	for _, n := range s.installations {
		if n.id == id && !n.deleted {
			return n
		}
	}
	panic(fmt.Sprintf("ghsim: there is no installation %d", id))
}

// Uninstall removes the App from the account.
func (s *Server) Uninstall(installationID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mustInstallation(installationID)
	list := []object{}
	for _, r := range s.repositories {
		if n.covers(r) {
			list = append(list, installedRepository(r))
		}
	}
	s.installationEvent(n, "installation", "deleted", s.ownerOf(n.account), object{"repositories": list})
	n.deleted = true
}

// SuspendInstallation suspends or resumes the App on the account. Tokens stop
// working, and webhooks stop, until it is resumed.
func (s *Server) SuspendInstallation(installationID int64, suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mustInstallation(installationID)
	if n.suspended == suspended {
		return
	}
	by := s.ownerOf(n.account)
	n.suspended, n.updated = suspended, s.now()
	if suspended {
		n.suspendedAt, n.suspendedBy = s.now(), by
		s.installationEvent(n, "installation", "suspend", by, object{})
		return
	}
	n.suspendedAt, n.suspendedBy = time.Time{}, nil
	s.installationEvent(n, "installation", "unsuspend", by, object{})
}

// GrantRepositories adds repositories, by their name within the account, to an
// installation on selected ones.
func (s *Server) GrantRepositories(installationID int64, names ...string) {
	s.changeGrant(installationID, "added", names)
}

// RevokeRepositories takes repositories away from an installation.
func (s *Server) RevokeRepositories(installationID int64, names ...string) {
	s.changeGrant(installationID, "removed", names)
}

func (s *Server) changeGrant(installationID int64, action string, names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mustInstallation(installationID)
	if n.all { // selecting starts from what was covered
		n.all = false
		for _, r := range s.repositories {
			if r.owner == n.account {
				n.repositories[r.id] = true
			}
		}
	}
	var list []*repository
	for _, name := range names {
		r := s.mustFind(n.account.login + "/" + name)
		list = append(list, r)
		if action == "added" {
			n.repositories[r.id] = true
		} else {
			delete(n.repositories, r.id)
		}
	}
	n.updated = s.now()
	s.repositoriesEvent(n, action, list)
}

func (s *Server) repositoriesEvent(n *installation, action string, list []*repository) {
	short := make([]object, 0, len(list))
	for _, r := range list {
		short = append(short, installedRepository(r))
	}
	fields := object{"repositories_added": []object{}, "repositories_removed": []object{}, "repository_selection": n.selection(), "requester": nil}
	fields["repositories_"+action] = short
	s.installationEvent(n, "installation_repositories", action, s.ownerOf(n.account), fields)
}
