package blob

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// ObjectBytesMax bounds an object: it is what S3 takes in one request.
const ObjectBytesMax = 5 << 30

// requestTriesMax bounds how often the library repeats a request that the store did not answer,
// or answered with 429 or 5xx; it waits between them, up to a second.
const requestTriesMax = 5

// answerTimeout bounds how long the store may take to begin an answer to a request that was sent.
const answerTimeout = 30 * time.Second

// bucket is a store in a bucket of S3, or of what speaks its protocol.
//
// What if we die here, or the answer is lost? A put is one request with a length, its SHA-256 and
// If-None-Match: *: the store keeps all of it or nothing, and refuses a second one, also the
// repetition of one whose answer was lost. So ErrExists may be of our own; who puts looks.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // ends with a slash, or is empty
}

// The variables of the environment that say where a bucket is, and who asks, as other programs
// have them.
const (
	variableEndpoint = "AWS_ENDPOINT_URL"
	variableOfS3     = "AWS_ENDPOINT_URL_S3"
	variableRegion   = "AWS_REGION"
	endpointDefault  = "https://s3.amazonaws.com"
)

// newBucket takes credentials from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN), from the file of shared credentials (AWS_PROFILE), or from the machine's role.
func newBucket(name, prefix string) (Store, error) {
	text := cmp.Or(os.Getenv(variableOfS3), os.Getenv(variableEndpoint), endpointDefault)
	endpoint, err := url.Parse(text)
	if err != nil || endpoint.Host == "" || strings.Trim(endpoint.Path, "/") != "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("%w: %s is %q, expected is https://HOST or http://HOST:PORT", ErrURL, variableEndpoint, text)
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = answerTimeout
	client, err := minio.New(endpoint.Host, &minio.Options{
		Secure: endpoint.Scheme == "https", Region: os.Getenv(variableRegion), Transport: transport, MaxRetries: requestTriesMax,
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Transport: transport}}}),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &bucket{client, name, prefix}, nil
}

// String implements Store.
func (b *bucket) String() string { return "s3://" + b.name + "/" + b.prefix }

// PutOnce implements Store.
func (b *bucket) PutOnce(ctx context.Context, key string, from io.ReadSeeker, size int64) error {
	if size > ObjectBytesMax {
		return fmt.Errorf("%s has %d bytes, the store takes %d", key, size, int64(ObjectBytesMax))
	}
	options := minio.PutObjectOptions{DisableMultipart: true, ContentType: "application/octet-stream"}
	options.SetMatchETagExcept("*")
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, from, size, options)
	return b.explain(key, err)
}

// Get implements Store.
func (b *bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.explain(key, err)
	}
	if _, err := object.Stat(); err != nil { // nothing is asked before
		_ = object.Close() // nothing is read from it
		return nil, b.explain(key, err)
	}
	return object, nil
}

// List implements Store.
func (b *bucket) List(ctx context.Context, prefix, after string) (keys []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}
	if after != "" {
		options.StartAfter = b.prefix + after
	}
	for object := range b.client.ListObjects(ctx, b.name, options) {
		if object.Err != nil {
			return nil, b.explain(prefix, object.Err)
		}
		if key := strings.TrimPrefix(object.Key, b.prefix); key > after { // not every store knows StartAfter
			keys = append(keys, key)
		}
	}
	return keys, ctx.Err()
}

// Remove implements Store.
func (b *bucket) Remove(ctx context.Context, key string) error {
	return b.explain(key, b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{}))
}

// explain names the store and the object, and says what a code of S3 means here.
func (b *bucket) explain(key string, err error) error {
	if err == nil {
		return nil
	}
	where := b.String() + key
	switch answer := minio.ToErrorResponse(err); {
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", ErrExists, where)
	case answer.Code == minio.NoSuchKey:
		return fmt.Errorf("%w: %s", ErrNotFound, where)
	case answer.Code == "RequestTimeTooSkewed":
		return fmt.Errorf("%s: this machine's clock and the store's differ too much: %w", where, err)
	default:
		return fmt.Errorf("%s: %w", where, err)
	}
}
