export {
  ROOT,
  SolrCloud,
  type SolrNode,
  type SolrShards,
  shardsOf,
  wholeAgain,
} from './solr-cloud.ts'
export { nameOf, treeShape } from './tree-shape.ts'
export { type SolrWorld, withSolr } from './with-solr.ts'
