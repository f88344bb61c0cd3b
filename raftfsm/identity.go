package raftfsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrIdentity is returned when a data folder belongs to another node: starting on
// it could make one voter vote twice. The message says what to do.
var ErrIdentity = errors.New("data folder belongs to another node")

const identityVersion = 1

// identity is the content of NODE.json: whose data folder this is.
type identity struct {
	Version int    `json:"version"`
	NodeID  string `json:"node_id"`
}

// claimFolder writes the identity into a new data folder, or checks it in one
// that has been used. It reports whether the folder is new.
func claimFolder(dir, nodeID string) (isNew bool, err error) {
	path := filepath.Join(dir, "NODE.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, writeIdentity(path, nodeID)
	}
	if err != nil {
		return false, err
	}
	var is identity
	if err := json.Unmarshal(data, &is); err != nil || is.Version != identityVersion {
		return false, fmt.Errorf("%w: %s is not an identity of version %d: %q", ErrIdentity, path, identityVersion, data)
	}
	if is.NodeID != nodeID {
		return false, fmt.Errorf("%w: %s was made by node %q, this is node %q; start with --node-id %s, or with another data folder",
			ErrIdentity, dir, is.NodeID, nodeID, is.NodeID)
	}
	return false, nil
}

// writeIdentity writes aside, syncs and renames: after a crash the file is whole
// or not there, and then nothing else is either.
func writeIdentity(path, nodeID string) error {
	data, err := json.Marshal(identity{identityVersion, nodeID})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
