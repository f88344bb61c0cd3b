// Package limit says who asks too often: a token bucket for each of a bounded
// number of keys.
//
// A key's bucket holds Burst tokens, is full at first, and gets PerSecond more
// each second; a request takes one or is refused. Buckets are kept by a hash of
// the key in shards with a lock each, so that cores do not wait for each other,
// and the one that was not asked for longest makes room for a new key.
//
// # Trade-offs
//
//   - What is forgotten is forgiven: a key that comes back after it was evicted
//     has a full bucket again. Who controls more keys than are kept is not held
//     back by their limits; evictions are counted, so that it shows. The other
//     way, refusing unknown keys when all places are taken, would let him lock
//     out everybody else.
//   - Two keys share a bucket when all 64 bits of their hashes agree. The hash
//     is seeded at random, so nobody can choose such keys, and among a million
//     keys it happens by chance once in 40 million starts.
//   - Each process counts for itself: behind a load balancer over n front-ends
//     a key gets up to n times its rate. Sharing the counts would cost a round
//     trip a request.
package limit
