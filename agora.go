// Package agora holds what belongs to the program as a whole and lies beside its
// source: the description of the GitHub App.
package agora

import _ "embed"

// AppManifest is app.yml: the GitHub App with every permission and event it asks
// for, and why. Its addresses are examples.
//
//go:embed app.yml
var AppManifest []byte
