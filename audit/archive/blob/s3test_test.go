package blob

import (
	"context"
	"testing"

	"onsale/audit/archive/blob/blobtest"
)

// bucketOf returns a store in a new bucket of a server in this process.
func bucketOf(t *testing.T) (Store, *blobtest.Server) {
	t.Helper()
	server := blobtest.NewServer(t)
	store, err := Open("s3://" + blobtest.Bucket + "/some/prefix")
	if err != nil {
		t.Fatal(err)
	}
	return store, server
}

var background = context.Background()
