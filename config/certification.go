package config

import "slices"

// Level is a certification level of members (RULES §1).
type Level struct {
	Name     string
	PassMark int       // the least score of 100
	Kind     EntryKind // what reaching it enters in the ledger
}

// Levels are the certification levels, each of which needs the one before it.
func Levels() []Level {
	return []Level{
		{"foundation", 70, CertifiedFoundation},
		{"practitioner", 75, CertifiedPractitioner},
		{"architect", 80, CertifiedArchitect},
		{"specialist", 85, CertifiedSpecialist},
	}
}

// LevelNames are their names, lowest first.
func LevelNames() []string {
	var names []string
	for _, level := range Levels() {
		names = append(names, level.Name)
	}
	return names
}

// LevelRank is the place of a level among them, from 1; 0 for no level.
func LevelRank(name string) int { return slices.Index(LevelNames(), name) + 1 }
