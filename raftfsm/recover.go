package raftfsm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// ErrRecovery is returned when a node is started whose recovery was not finished.
var ErrRecovery = errors.New("the recovery was not finished")

// ErrNothing is returned when a folder has nothing that a cluster could go on from: its node
// was let into one and has not heard of its log yet.
var ErrNothing = errors.New("there is nothing to recover")

// Recover makes a cluster of one out of the data folder of a node that is stopped,
// after a majority of its cluster is lost for good. Everything that this node has is
// kept, whether it was committed or not; what only the lost ones had is gone. The
// cluster gets a new id, so that a lost node that comes back is refused, and goes on
// behind everything that the lost ones can have given out (sequencer.Birth). It returns
// folder.ErrClockBehind when the clock cannot say where that is, and ErrNothing for a folder
// without a history.
//
// What if we die here? The identity says first that a recovery has begun: until it is
// finished the node does not start, because alone under the old id it would sell beside the
// lost ones. Recover goes on from wherever it ended. The new id comes last.
func Recover(config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if _, err := folder.ReadIdentity(config.DataDir); err != nil {
		return err
	}
	life := newLifecycle(config.Fatal)
	data, err := openData(&config, nil, life.fatal)
	if err != nil {
		return err
	}
	return errors.Join(recoverAlone(&config, data, life), data.Close())
}

// recoverAlone applies the whole log and makes the node the only member.
func recoverAlone(config *Config, data *folder.Folder, life *lifecycle) error {
	if data.Log.Wal().LastIndex() == 0 && data.Snapshots.Index() == 0 {
		return fmt.Errorf("%w: %s has neither log nor snapshot; take another node's folder", ErrNothing, config.DataDir)
	}
	before := data.Owner.Identity()
	var begun folder.BirthMark
	if before.Birth != nil {
		begun.Cause = before.Birth.Cause
	}
	if err := data.Owner.Change(func(i *folder.Identity) { i.Birth = &begun }); err != nil {
		return err
	}

	m := newMachine(data.Journal, config.CheckBatches, life.fatal, config.Logger)
	m.starting.Store(true)
	_, trans := raft.NewInmemTransport(raft.ServerAddress(config.RaftAddress))
	address := cmp.Or(config.AdvertiseAddress, config.RaftAddress)
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(config.NodeID), Address: raft.ServerAddress(address)}}}
	if err := raft.RecoverCluster(config.raftConfig(), m, data.Log, data.Votes, data.Snapshots, trans, alone); err != nil {
		err = errors.Join(m.failed, err) // raft does not say why no snapshot can be read
		if folder.IsOtherVersion(err) {  // nothing was changed: the release that wrote it is to find it as it was
			err = errors.Join(err, data.Owner.Change(func(i *folder.Identity) { *i = before }))
		}
		return fmt.Errorf("recover: %w", err)
	}

	now := config.Clock.Now()
	if err := folder.CheckClock(now, m.state); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return data.Owner.Change(func(i *folder.Identity) { succeed(i, &before, m.state.Births(), now) })
}

// succeed gives a recovered folder the id and the mark that it goes on with. A restored or
// recovered one that ended before its birth was decided keeps both: under that id nothing
// was decided, whoever was told it knows what it follows, and what was to be a copy does
// not become a successor.
func succeed(i, before *folder.Identity, births []sequencer.Birth, now time.Time) {
	i.Bootstrap, i.Started = nil, true
	i.SupersededBy, i.Removed = "", false // whoever recovers it means that it is to go on
	i.AwaitsVote, i.Moved = false, nil    // it is the only member
	cause := sequencer.BirthRecover
	if unborn(before, births) {
		cause = before.Birth.Cause
	} else {
		i.ClusterID = folder.NewClusterID().String()
	}
	i.Birth = &folder.BirthMark{Cause: cause, Time: now.UnixNano()}
}

// unborn reports whether a folder was made by a restore or a recovery whose birth is not
// among those of its state.
func unborn(is *folder.Identity, births []sequencer.Birth) bool {
	return is.Birth != nil && is.Birth.Cause != 0 && !slices.ContainsFunc(births, func(b sequencer.Birth) bool { return peer.ClusterID(b.Cluster) == is.Cluster() })
}

// checkRecovered refuses a folder in which Recover has begun and not finished.
func checkRecovered(is *folder.Identity) error {
	if is.Birth != nil && is.Birth.Time == 0 {
		return fmt.Errorf("%w: run it again (onsale cluster recover)", ErrRecovery)
	}
	return nil
}
