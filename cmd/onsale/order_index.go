package main

import (
	"context"
	"path/filepath"

	"onsale/audit/orderindex"
)

// orderIndexDir is the folder in the data folder whose content is made anew when it is not there.
const orderIndexDir = "order-index"

// orderIndex is a node's index of the orders in its journal, and the goroutine that makes it.
type orderIndex struct {
	index   *orderindex.Index
	stop    context.CancelFunc
	stopped chan struct{}
}

func (v *server) startOrderIndex() *orderIndex {
	room := func() bool {
		disk, err := v.node.Disk()
		return err == nil && disk.LowSince == nil
	}
	o := &orderIndex{index: orderindex.New(filepath.Join(v.settings.Node.DataDir, orderIndexDir), v.node.History(), room, v.log), stopped: make(chan struct{})}
	var ctx context.Context
	ctx, o.stop = context.WithCancel(context.Background())
	go func() {
		defer close(o.stopped)
		o.index.Run(ctx)
	}()
	return o
}

// close ends the index before the journal is closed; o may be nil.
func (o *orderIndex) close() {
	if o != nil {
		o.stop()
		<-o.stopped
	}
}
