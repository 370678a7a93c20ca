//! The numbers of those fields of ONNX' messages that are written or read, from
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

use crate::precision::Precision;

/// `TensorProto.DataType`
pub fn data_type(precision: Precision) -> u64 {
    match precision {
        Precision::F32 => FLOAT,
        Precision::F16 => 10,
        Precision::Bf16 => 16,
    }
}
pub const FLOAT: u64 = 1;

/// `AttributeProto.AttributeType`
pub mod attribute_type {
    pub const FLOAT: u64 = 1;
    pub const INTEGER: u64 = 2;
    pub const INTEGERS: u64 = 7;
}

/// `ModelProto`
pub mod model {
    pub const IR_VERSION: u64 = 1;
    pub const PRODUCER_NAME: u64 = 2;
    pub const PRODUCER_VERSION: u64 = 3;
    pub const GRAPH: u64 = 7;
    pub const OPSET_IMPORT: u64 = 8;
    pub const METADATA: u64 = 14;
}

/// `OperatorSetIdProto`
pub mod operators {
    pub const DOMAIN: u64 = 1;
    pub const VERSION: u64 = 2;
}

/// `StringStringEntryProto`
pub mod entry {
    pub const KEY: u64 = 1;
    pub const VALUE: u64 = 2;
}

/// `GraphProto`
pub mod graph {
    pub const NODE: u64 = 1;
    pub const NAME: u64 = 2;
    pub const INITIALIZER: u64 = 5;
    pub const INPUT: u64 = 11;
    pub const OUTPUT: u64 = 12;
    pub const SPARSE_INITIALIZER: u64 = 15;
}

/// `NodeProto`
pub mod node {
    pub const INPUT: u64 = 1;
    pub const OUTPUT: u64 = 2;
    pub const NAME: u64 = 3;
    pub const OPERATOR: u64 = 4;
    pub const ATTRIBUTE: u64 = 5;
    pub const DOMAIN: u64 = 7;
}

/// `AttributeProto`
pub mod attribute {
    pub const NAME: u64 = 1;
    pub const FLOAT: u64 = 2;
    pub const INTEGER: u64 = 3;
    pub const TEXT: u64 = 4;
    pub const TENSOR: u64 = 5;
    pub const FLOATS: u64 = 7;
    pub const INTEGERS: u64 = 8;
    pub const TYPE: u64 = 20;
}

/// `TensorProto`
pub mod tensor {
    pub const DIMENSION: u64 = 1;
    pub const DATA_TYPE: u64 = 2;
    pub const FLOATS: u64 = 4;
    pub const INTEGERS_32: u64 = 5;
    pub const INTEGERS_64: u64 = 7;
    pub const NAME: u64 = 8;
    pub const RAW_DATA: u64 = 9;
    pub const DOUBLES: u64 = 10;
    pub const EXTERNAL_DATA: u64 = 13;
    pub const DATA_LOCATION: u64 = 14;
}

/// `ValueInfoProto`
pub mod value_info {
    pub const NAME: u64 = 1;
    pub const TYPE: u64 = 2;
    pub const DOCUMENTATION: u64 = 3;
}

/// `TypeProto`, and below it `Tensor`, `TensorShapeProto` and its `Dimension`
pub mod kind {
    pub const TENSOR: u64 = 1;
    pub const ELEMENT: u64 = 1;
    pub const SHAPE: u64 = 2;
    pub const DIMENSION: u64 = 1;
    pub const SIZE: u64 = 1;
    pub const PARAMETER: u64 = 2;
}
