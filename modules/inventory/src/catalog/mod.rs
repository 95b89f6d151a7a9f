//! What stock is counted in, what it is and where it lies.
