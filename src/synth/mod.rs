//! The room `synth`.
