package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/wal"
)

// Owner is whose an open data folder is: its Identity, kept in step with the file.
type Owner struct {
	dir   string
	files wal.Files

	mu sync.Mutex
	is Identity
}

// claim writes the identity into a new data folder, or checks it in one that has been
// used. It reports whether the folder is new.
func claim(files wal.Files, dir, nodeID string) (o *Owner, isNew bool, err error) {
	o = &Owner{dir: dir, files: files}
	is, err := ReadIdentity(dir)
	if errors.Is(err, os.ErrNotExist) {
		return o, true, o.Change(func(i *Identity) { *i = newIdentity(nodeID) })
	}
	if err != nil {
		return nil, false, err
	}

	if is.NodeID != nodeID {
		return nil, false, fmt.Errorf("%w: %s was made by node %q, this is node %q; start with --node-id %s, or with another data folder",
			ErrIdentity, dir, is.NodeID, nodeID, is.NodeID)
	}
	o.is = *is
	return o, false, nil
}

// checkOwned refuses a folder in which raft has written and that has lost the file
// that says whose it is.
func checkOwned(dir string, log *store.Log) error {
	path := filepath.Join(dir, identityName)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, err := os.Stat(filepath.Join(dir, store.VotesName))
	if err == nil || log.Wal().LastIndex() > 0 {
		return fmt.Errorf("%w: %s is missing, and this folder was used", ErrIdentityDamaged, path)
	}
	return nil
}

// Identity returns a copy.
func (o *Owner) Identity() Identity {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.is
}

// Cluster returns the cluster's id and number, as the peers' port says them.
func (o *Owner) Cluster() (peer.ClusterID, uint8) {
	is := o.Identity()
	return is.Cluster(), is.ClusterNumber
}

// Change writes a changed identity and makes it the current one. It is durable on
// return; after an error the current one stays.
func (o *Owner) Change(change func(*Identity)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	changed := o.is
	change(&changed)
	if err := writeIdentity(o.files, o.dir, &changed); err != nil {
		return fmt.Errorf("%s: %w", identityName, err)
	}
	o.is = changed
	return nil
}

// BeginStart notes a start of the node at a time of the wall clock and returns its number,
// which is above that of every start before. A count would do for one folder; the time lets a
// node that begins anew with an empty folder under its id come after what it was before, and
// orders the starts of copies of a folder.
func (o *Owner) BeginStart(now time.Time) (number uint64, err error) {
	err = o.Change(func(i *Identity) {
		i.Start = max(i.Start+1, uint64(max(now.UnixNano(), 0)))
		number = i.Start
	})
	return number, err
}

// MarkStarted notes that raft has written in the folder.
func (o *Owner) MarkStarted() error {
	if o.Identity().Started {
		return nil
	}
	return o.Change(func(i *Identity) { i.Started = true })
}
